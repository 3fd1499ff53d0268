/* What the hypervisor does around the core, as the kernel would: the body of every operation. */
#pragma once

#include "tests/model/world.h"

/* In the fiber of a CPU: its `operation`, from beginning to end. */
void hypervisor_operation(void);

/* Memory of a context that has ended is a new one, which whoever makes it holds meanwhile. */
void hypervisor_reuse(struct model_cpu *cpu, struct model_context *context, unsigned int domain);

/* What the hypervisor does around the core, as the kernel would: the body of every operation. */
#pragma once

/* In the fiber of a CPU: its `operation`, from beginning to end. */
void hypervisor_operation(void);

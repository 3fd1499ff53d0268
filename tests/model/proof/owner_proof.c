/* fpu/owner.c and fpu/policy.c, unchanged, under the contracts of the files here. */
#include "tests/model/proof/owner_contracts.h"

#include "fpu/owner.c"
#include "fpu/policy.c"
#include "tests/model/proof/environment.h"

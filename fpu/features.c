#include "fpu/features.h"

struct fpu_features fpu_features_found;

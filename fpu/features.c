#include "fpu/features.h"

/* Written on the first CPU, before any other runs. */
static struct fpu_features features;

const struct fpu_features *fpu_features(void)
{
	return &features;
}

struct fpu_features *fpu_features_to_fill(void)
{
	return &features;
}

/* How many elements an array has, where its declaration is in sight. */
#pragma once

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

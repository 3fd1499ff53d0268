/* One of ACPI's tables by its signature, of those that the RSDT names; NULL: it is not there. */
#pragma once

#include <stdint.h>

const uint8_t *find_table(const char *signature);

/*
 * What the compiler calls for atomic operations, of whatever memory order: the model is
 * sequentially consistent.
 */
#include <stdint.h>

#include "tests/model/access.h"

#define READ_MODIFY_WRITE(bits, name, expression)                                                  \
	uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *at,                   \
						    uint##bits##_t value, int order);              \
	uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *at,                   \
						    uint##bits##_t value, int order)               \
	{                                                                                          \
		uint##bits##_t before;                                                             \
                                                                                                   \
		(void)order;                                                                       \
		access_touch(at, true);                                                            \
		before = *at;                                                                      \
		*at = (expression);                                                                \
		return before;                                                                     \
	}

READ_MODIFY_WRITE(64, fetch_add, before + value)
READ_MODIFY_WRITE(64, fetch_or, before | value)
READ_MODIFY_WRITE(64, fetch_and, before &value)
READ_MODIFY_WRITE(32, fetch_or, before | value)

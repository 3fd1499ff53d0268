/*
 * Where another CPU begins: a page of the lowest MiB, which a start-up message names, holds a copy
 * of smp_blob, 16-bit code.
 */
#pragma once

#define SMP_PAGE	8
#define SMP_BASE	(SMP_PAGE << 12)
#define SMP_STACK_SHIFT 14
#define SMP_STACK_SIZE	(1 << SMP_STACK_SHIFT)
#define SMP_CPUS_MAX	16

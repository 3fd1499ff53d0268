/*
 * Error numbers: functions return 0 or a positive result, or one of these negated (-EINVAL).
 * The values are Linux's, and part of the hypercall interface (vmm/hypercall.h).
 */
#pragma once

#if __STDC_HOSTED__
#include <errno.h>
#else
#define EPERM	     1
#define ENOENT	     2
#define EIO	     5
#define E2BIG	     7
#define ENOEXEC	     8
#define EAGAIN	     11
#define ENOMEM	     12
#define EFAULT	     14
#define EBUSY	     16
#define EEXIST	     17
#define ENODEV	     19
#define EINVAL	     22
#define ENOSPC	     28
#define ERANGE	     34
#define ENAMETOOLONG 36
#define ENOSYS	     38
#define EOVERFLOW    75
#endif

/*
 * The VMs of this boot: one for each boot module that is no other's.
 */
#pragma once

#include <stdbool.h>

struct boot_info;

/*
 * Makes the VMs that the boot modules describe. False if a module could not be used at all (it is
 * said which); a VM that could not be made is there, ended, with a failure status. The first CPU.
 */
bool vms_create(const struct boot_info *info);

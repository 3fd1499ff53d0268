#!/usr/bin/python3
"""A file includes from its own floor and those below it: lib < boot < vmx < fpu < vmm.
Test guests are strangers: of the hypervisor they see lib/ and vmm/hypercall.h."""

import os
import re
import subprocess
import sys

MAY_INCLUDE = {
    "lib": {"lib"},
    "boot": {"lib", "boot"},
    "vmx": {"lib", "boot", "vmx"},
    "fpu": {"lib", "boot", "vmx", "fpu"},
    "vmm": {"lib", "boot", "vmx", "fpu", "vmm"},
    "tests/guest": {"lib"},
}
SHARED = {"vmm/hypercall.h"}  # with guests
GENERATED = {"offsets.h"}  # from vmx/offsets.c
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')


def floor_of(path):
    return next((floor for floor in MAY_INCLUDE if path.startswith(floor + "/")), None)


def main():
    files = subprocess.run(
        ["git", "ls-files", "*.c", "*.h", "*.S"], check=True, capture_output=True, text=True
    ).stdout.split()
    problems, count = [], 0
    for path in filter(os.path.exists, files):
        floor = floor_of(path)
        if not floor:
            continue
        with open(path) as source:
            lines = source.readlines()
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if not match or match[1] in GENERATED or not os.path.exists(match[1]):
                if match and floor != "tests/guest" and match[1] not in GENERATED:
                    problems.append(f'{path}:{number}: "{match[1]}" is not named from the root')
                continue
            count += 1
            target = match[1].split("/")[0]
            if floor == "tests/guest" and match[1] in SHARED:
                continue
            if target not in MAY_INCLUDE[floor]:
                problems.append(f"{path}:{number}: {floor}/ may not include {match[1]}")
    if not count:
        problems.append("no #include line was read")
    print("\n".join(problems) or f"{count} #include lines")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""No unit needs one that needs it, and vmx/ and vmm/ are built in rooms, each of which uses what is in
it and below it.

A unit is NAME.h with NAME.c or NAME.S. It needs what it includes; and a header needs the unit that
defines what it declares, as build/ has it. ROOMS says which rooms there are. By hand, though
networkx finds circles too: it is a package more for one function."""

import fnmatch
import os
import re
import subprocess
import sys

# From the bottom: a folder, and which of its files ("*": all others).
ROOMS = (
    ("vmx", "*"),
    # the rules of VM entry: nothing below asks them
    ("vmx/checks", "*"),
    # what knows no VM; a VM holds some of it
    ("vmm/chip", "*"),
    (
        "vmm",
        "hypercall.h version.h cpuid.* queue.* guest_ram.* vm_config.* guest_console.* "
        "guest_input.* foot.* lost_memory.* exit_watch.*",
    ),
    ("vmm/load", "*"),
    # VMs and their vCPUs, and what is told of them
    ("vmm", "*"),
    ("vmm/device", "*"),
    ("vmm/exit", "*"),
    # what is told of a guest, and who asks for it
    ("vmm/look", "*"),
    ("vmm", "vm_settle.*"),
    ("vmm/gdb", "*"),
    ("vmm", "monitor.* monitor_*.*"),
    # the boot options have the names of everything below
    ("vmm", "option_table.* options.*"),
    ("vmm/sched", "*"),
    ("vmm", "start.*"),
    ("vmm/doctor", "*"),
    ("vmm", "main.c"),
)
FLOORS = ("lib", "boot", "vmx", "fpu", "vmm")  # their order is for tools/check_floors.py

# What a header asks of whoever uses the unit: defining it makes nobody below need who does.
ASKED = {
    "panic": "lib/assert.h: how the machine ends is not for lib/ to know",
    "vmx_exit_handlers": "vmx/entry.h: what an exit means is not for vmx/ to know",
    "fpu_hw_*": "fpu/owner.h: the core touches no hardware; its tests and proofs bring their own",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|^\s*#(?:\\\n|[^\n])*', re.S | re.M)
FUNCTION = re.compile(r"(?<!\w)(?!__attribute__)(\w+)\s*\(")
VARIABLE = re.compile(r"\bextern\b(.*)", re.S)


def room_of(path):
    """Its place in ROOMS, or None outside of vmx/ and vmm/."""
    folder, name = os.path.split(path)
    rest = None
    for number, (where, files) in enumerate(ROOMS):
        if folder != where:
            continue
        if files == "*":
            rest = number
        elif any(fnmatch.fnmatch(name, pattern) for pattern in files.split()):
            return number
    return rest


def unit_of(path):
    return (room_of(path), os.path.splitext(path)[0])


def sources():
    command = ["git", "ls-files", *(f"{floor}/*.[chS]" for floor in FLOORS)]
    files = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return [path for path in dict.fromkeys(files) if os.path.exists(path)]


def includes(path):
    """(line, file) for each file of the tree that it includes."""
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if (match := INCLUDE.match(line)) and os.path.exists(match[1]):
                yield number, match[1]


def declared(header):
    """The functions and variables that a header declares."""
    with open(header, encoding="utf-8") as file:
        text = NOT_CODE.sub(" ", file.read())
    while (flat := re.sub(r"\{[^{}]*\}", ";", text)) != text:
        text = flat
    for statement in text.split(";"):
        if match := FUNCTION.search(statement):
            yield match[1]
        elif match := VARIABLE.search(statement):
            for each in re.sub(r"\[[^]]*\]", "", match[1]).split(","):
                yield each.split()[-1].lstrip("*")


def defined(files):
    """{symbol: the file that defines it}"""
    objects = {f"build/{path}.o": path for path in files if not path.endswith(".h")}
    built = [each for each in objects if os.path.exists(each)]
    command = ["nm", "--print-file-name", "--extern-only", "--defined-only", *built]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    named = (line.partition(":") for line in lines)
    return {rest.split()[-1]: objects[name] for name, _, rest in named}


def asked(name):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in ASKED)


def ties_of(files):
    """(file, the file that it needs, why) between two units."""
    owner = defined(files)
    for path in files:
        needs = [(target, f"{path}:{line} includes {target}") for line, target in includes(path)]
        if path.endswith(".h"):
            names = dict.fromkeys(name for name in declared(path) if name in owner)
            needs += [
                (owner[name], f"{path} declares {name}, which {owner[name]} defines")
                for name in names
                if not asked(name)
            ]
        for target, why in needs:
            if unit_of(target) != unit_of(path):
                yield path, target, why


def circles(graph):
    """The sets of units of which each needs each (Tarjan's algorithm)."""
    order, low, stack, found = {}, {}, [], []

    def visit(unit):
        order[unit] = low[unit] = len(order)
        stack.append(unit)
        for other in graph.get(unit, ()):
            if other not in order:
                visit(other)
            if other in stack:
                low[unit] = min(low[unit], low[other])
        if low[unit] == order[unit]:
            at = stack.index(unit)
            if len(stack) > at + 1:
                found.append(set(stack[at:]))
            del stack[at:]

    for unit in graph:
        if unit not in order:
            visit(unit)
    return found


def main():
    files = sources()
    ties = list(ties_of(files))
    problems = []
    for path in files:
        if path.startswith(("vmx/", "vmm/")) and room_of(path) is None:
            problems.append(f"{path}: its folder is no room of tools/check_order.py")
    for path, target, why in ties:
        here, there = room_of(path), room_of(target)
        if here is not None and there is not None and there > here:
            problems.append(f"above it: {why}")
    graph = {}
    for path, target, _ in ties:
        graph.setdefault(unit_of(path), set()).add(unit_of(target))
    for circle in circles(graph):
        problems.append("a circle: " + ", ".join(sorted(name for _, name in circle)))
        for path, target, why in ties:
            if {unit_of(path), unit_of(target)} <= circle:
                problems.append(f"  {why}")
    if not ties:
        problems.append("no tie was read")
    units = {unit_of(path) for path in files}
    print("\n".join(problems) or f"{len(units)} units, {len(ties)} ties")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())

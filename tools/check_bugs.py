#!/usr/bin/python3
"""Every bug of tests/mutants/bugs_*.py can still be put in: what it replaces stands once in its file. A
booted bug would else be found out of date only in a night."""

import glob
import importlib
import os
import sys

MUTANTS = "tests/mutants"


def main():
    sys.dont_write_bytecode = True
    sys.path.insert(0, MUTANTS)
    bugs = []
    for path in sorted(glob.glob(f"{MUTANTS}/bugs_*.py")):
        bugs += importlib.import_module(os.path.basename(path)[:-3]).BUGS
    stale = []
    for bug in bugs:
        with open(bug.file, encoding="utf-8") as file:
            count = file.read().count(bug.right)
        if count != 1:
            stale.append(f"{bug.name}: {count} times in {bug.file}: {bug.right}")
    print("\n".join(stale) or f"{len(bugs)} bugs")
    return bool(stale) or not bugs


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""Every test that docs/tests.md names exists: `FILE::NAME` is a file of this tree in which NAME is
a word. Every row of its tables names one."""

import os
import re
import sys

PAGE = "docs/tests.md"


def missing(reference):
    """What is wrong with FILE::NAME, or None."""
    path, _, name = reference.partition("::")
    if not os.path.exists(path):
        return f"{path} is not there"
    with open(path, encoding="utf-8") as file:
        if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", file.read()):
            return f"{path} has no {name}"
    return None


def main():
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    references = re.findall(r"`([\w./-]+::[\w-]+)`", text)
    rows = re.findall(r"^\| .*$(?!\n\|--)", text, re.M)  # but the headings
    problems = [problem for problem in map(missing, references) if problem]
    problems += [f"no test named: {row}" for row in rows if "::" not in row]
    if len(references) < len(rows) or not rows:
        problems.append(f"only {len(references)} references and {len(rows)} rows read")
    print("\n".join(problems) or f"{len(references)} references in {len(rows)} rows")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())

"""tests/bench/baseline: what operations cost when it was written, and how what they cost now
compares. Figures are exact for one compiler and one Bochs; its first lines say which."""

import os
import re
import subprocess
from dataclasses import dataclass, field

from bench_runs import CPU, ROOT, row_of
from machine import Machine
from records import records

BASELINE = os.path.join(ROOT, "tests/bench/baseline")
TOLERANCE = 0.02  # so much more instructions are not yet worse
COUNTED = {"vmreads": "VMREADs", "vmwrites": "VMWRITEs"}


def compiler():
    done = subprocess.run(
        [os.environ.get("CC") or "gcc", "-dumpfullversion"], capture_output=True, text=True, check=True
    )
    return "gcc " + done.stdout.strip()


def machine():
    return str(Machine(cpu=CPU, which="newest"))


def write(path, rows, where, by):
    lines = [
        "# What operations cost a guest, by `make bench BASELINE=write`: docs/bench.md explains it.",
        f"# machine: {where}",
        f"# compiler: {by}",
        *map(str, rows),
    ]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")


@dataclass
class Baseline:
    machine: str
    compiler: str
    rows: dict  # by (name, vms)


def read(path=BASELINE):
    with open(path, encoding="ascii") as file:
        text = file.read()
    said = dict(re.findall(r"^# (machine|compiler): (.*)$", text, re.M))
    rows = [row_of(record) for record in records(text) if record.kind == "bench"]
    return Baseline(said["machine"], said["compiler"], {row.key: row for row in rows})


@dataclass
class Comparison:
    better: list = field(default_factory=list)  # lines
    worse: list = field(default_factory=list)
    same: int = 0
    new: list = field(default_factory=list)  # rows that the baseline has not


def compare(baseline, rows, alike=True):
    """`alike`: compiler and machine are the baseline's. Others make other instructions, but as many
    VMREADs and VMWRITEs."""
    found = Comparison()
    for row in rows:
        old = baseline.rows.get(row.key)
        if old is None:
            found.new.append(row)
            continue
        less, more = changes(old, row, alike)
        title = f"{row.name} vms={row.vms}: "
        found.better += [title + ", ".join(less)] if less else []
        found.worse += [title + ", ".join(more)] if more else []
        found.same += not less and not more
    return found


def changes(old, row, alike):
    less, more = [], []
    was, now = old.instructions, row.instructions
    if alike and now != was:
        text = f"{was} -> {now} instructions ({100 * (now - was) / max(was, 1):+.1f}%)"
        if now < was:
            less.append(text)
        elif now > was * (1 + TOLERANCE):
            more.append(text)
    for key, name in COUNTED.items():
        was, now = getattr(old, key), getattr(row, key)
        if now != was:
            (less if now < was else more).append(f"{was} -> {now} {name}")
    return less, more

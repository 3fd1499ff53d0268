"""tests/bench/baseline: what operations cost when it was written, and how what they cost now
compares. Figures are exact for one compiler and one Bochs, and its first lines say which: with
another compiler only the VMREADs and VMWRITEs are judged, on another machine nothing."""

import os
import re
import subprocess
from dataclasses import dataclass, field

from bench_runs import CPU, WHICH, row_of
from boot import ROOT
from machine import Machine
from records import records

BASELINE = os.path.join(ROOT, "tests/bench/baseline")
TOLERANCE = 0.02  # so much more instructions are not yet worse
ACCESSES = {"vmreads": "VMREADs", "vmwrites": "VMWRITEs"}
FIGURES = {"instructions": "instructions", **ACCESSES}


def compiler():
    command = [os.environ.get("CC") or "gcc", "-dumpfullversion"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return "gcc " + done.stdout.strip()


def machine():
    return str(Machine(cpu=CPU, which=WHICH))


def write(path, rows, where, by):
    lines = [
        "# What operations cost a guest, by `make bench BASELINE=write`. docs/bench.md has more.",
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
    rows: dict  # by (name, vms, cpus)


def read(path=BASELINE):
    with open(path, encoding="ascii") as file:
        text = file.read()
    said = dict(re.findall(r"^# (machine|compiler): (.*)$", text, re.M))
    rows = [row_of(record) for record in records(text) if record.kind == "bench"]
    return Baseline(said["machine"], said["compiler"], {row.key: row for row in rows})


@dataclass
class Comparison:
    better: dict = field(default_factory=dict)  # where, by (test, what changed)
    worse: dict = field(default_factory=dict)
    same: int = 0
    new: list = field(default_factory=list)  # rows that the baseline has not


def judged(baseline):
    """The figures that can be judged here, and in words why not all."""
    where, by = machine(), compiler()
    if where != baseline.machine:
        return {}, f"this machine is {where}, the baseline's {baseline.machine}: nothing is judged"
    if by != baseline.compiler:
        words = f"this compiler is {by}, the baseline's {baseline.compiler}: "
        return ACCESSES, words + "instructions are not judged"
    return FIGURES, ""


def compare(baseline, rows, figures):
    found = Comparison()
    for row in rows:
        old = baseline.rows.get(row.key)
        if old is None:
            found.new.append(row)
            continue
        less, more = changes(old, row, figures)
        for changed, group in ((less, found.better), (more, found.worse)):
            if changed:
                group.setdefault((row.name, ", ".join(changed)), []).append(row.where)
        found.same += not less and not more
    return found


def changes(old, row, figures):
    """What became less and what more, in words."""
    less, more = [], []
    for key, name in figures.items():
        was, now = getattr(old, key), getattr(row, key)
        tolerated = was * (1 + TOLERANCE) if key == "instructions" else was
        if now < was:
            less.append(f"{was} -> {now} {name}")
        elif now > tolerated:
            more.append(f"{was} -> {now} {name}")
    return less, more

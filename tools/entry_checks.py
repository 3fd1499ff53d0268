"""What the rules of VM entry (vmx/checks/entry_checks.h) say of a VMCS that breaks one of them, and what a
machine says: from boots with crash=entry-checks. tools/entry-checks prints it,
tests/system/test_entry_checks.py and test_peer.py compare."""

import os
import re
from dataclasses import dataclass, field

from boot import ROOT
from bochs import BochsError, bochs
from defects import ENTRY_DEFECTS, KVM_ENTERS
from records import records

# The CPU models of Bochs that have between them what rows take; one that a version lacks is left out.
MODELS = ("tigerlake", "sapphire_rapids", "corei5_arrandale_m520")
BOCHS = ("system", "newest")
BOOT = {"opts": "crash=entry-checks stats=off"}

PAGE = os.path.join(ROOT, "docs/entry-checks.md")

ABSENT = "absent"
RULE = re.compile(r"^rule ([a-z0-9-]+): (.*)$", re.M)
# What Bochs writes to its log of an entry that fails. The last two follow upon one of the others.
CAUSE = re.compile(r"\] ((?:VMFAIL|VMENTER FAIL|VMENTER|VMX LoadMSRs).*)$")
GUEST_STATE = re.compile(r"\] VMEXIT: (Guest State Checks Failed|Error when loading guest MSR)")


@dataclass
class Row:
    """One way to break a rule, on one machine."""

    rule: str
    way: int
    section: str
    field: str
    value: str  # of the field, or ""
    rules: str  # 7, 8, 33, 34 or enters; absent: this CPU lacks what it takes
    cpu: str
    problem: str  # what is wrong with the row itself, or ""
    log: str = ""  # what Bochs wrote

    @property
    def name(self):
        return self.rule if self.way == 1 else f"{self.rule}/{self.way}"

    @property
    def agrees(self):
        return self.rules == self.cpu


def row_of(record):
    problem = ""
    if record["cpu"] == ABSENT:
        values = {"value": "", "rules": ABSENT}
    else:
        values = {"value": record["value"], "rules": record["rules"]}
        if record["before"] != "enters" or record["before_rule"] != "none":
            problem = f"before: {record['before']}, rule {record['before_rule']}"
        elif record["fired"] != record["rule"]:
            problem = f"{record['fired']} fires"
    return Row(
        record["rule"],
        record.number("way"),
        record["section"],
        record["field"],
        cpu=record["cpu"],
        problem=problem,
        **values,
    )


def causes(log):
    """One line for each entry that has failed, in their order."""
    found, last = [], None
    for line in log.splitlines():
        if match := CAUSE.search(line):
            if last:
                found.append(last)
            last = match[1]
        elif GUEST_STATE.search(line) and last:
            found.append(last)
            last = None
    return found + ([last] if last else [])


def rows_in(console):
    return [row_of(record) for record in records(console) if record.kind == "entry-check"]


def rows_of(result):
    """The rows of a boot; on Bochs with what its log says of each."""
    rows = rows_in(result.console)
    path = os.path.join(result.work, "bochs.log")
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="replace") as file:
            said = causes(file.read())
        failed = [row for row in rows if row.cpu not in (ABSENT, "enters")]
        if len(said) == len(failed):
            for row, cause in zip(failed, said):
                row.log = cause
    return rows


def texts(console):
    """What has to be, by rule, in the order of the rules."""
    return dict(RULE.findall(console))


def documented():
    """What docs/entry-checks.md has: {row: {title of the column: cell}}."""
    with open(PAGE, encoding="utf-8") as file:
        head, _, *lines = [line.strip("|\n").split(" | ") for line in file if line.startswith("|")]
    titles = [title.strip() for title in head]
    return {cells[0].strip(): dict(zip(titles, map(str.strip, cells))) for cells in lines}


def deviations(version):
    """{row: verdict} in which this version of Bochs is known to differ from the manual."""
    return {
        name: defect.says for name, defect in ENTRY_DEFECTS.items() if defect.there(version)
    }


def problems(rows, known):
    """What is not as it should be, a line each. `known`: {row: verdict} where the machine differs."""
    for row in rows:
        if row.problem:
            yield f"{row.name}: {row.problem}"
        elif row.cpu != known.get(row.name, row.rules) and not row.agrees:
            yield f"{row.name}: {row.cpu}, the rules say {row.rules}"


def kvm_problems(rows):
    """The same of a boot under Linux's KVM; nothing is known there that is not so."""
    yield from problems(rows, dict.fromkeys(KVM_ENTERS, "enters"))
    for row in rows:
        if row.name in KVM_ENTERS and row.agrees:
            yield f"{row.name}: {row.cpu}, though KVM_ENTERS has it"


@dataclass
class Machine:
    """One column: a machine, of which several CPU models may have been asked."""

    title: str
    rows: dict = field(default_factory=dict)  # by name: what the first model that has it says
    models: list = field(default_factory=list)

    def add(self, rows):
        for row in rows:
            if self.rows.get(row.name, row).cpu == ABSENT or row.name not in self.rows:
                self.rows[row.name] = row

    def differs(self, name):
        row = self.rows.get(name)
        return row and row.cpu != ABSENT and not row.agrees


def boots():
    """(which Bochs, CPU model) for all that are there."""
    found = []
    for which in BOCHS:
        try:
            versions = [bochs(other).version for other in {which for which, _ in found}]
            if bochs(which).version in versions:
                continue
            found += [(which, model) for model in MODELS if bochs(which).knows(model)]
        except BochsError:
            continue
    return found


def table(rules, machines):
    """The lines of a Markdown table."""
    titles = [machine.title for machine in machines]
    lines = [
        "| rule | section | field | what has to be | rules | " + " | ".join([*titles, "log"]) + " |",
        "|---" * (6 + len(titles)) + "|",
    ]
    names = list(dict.fromkeys(name for machine in machines for name in machine.rows))
    order = list(rules)
    names.sort(key=lambda name: order.index(name.partition("/")[0]))
    for name in names:
        rows = [machine.rows.get(name) for machine in machines]
        there = [row for row in rows if row and row.cpu != ABSENT]
        first = there[-1] if there else next(row for row in rows if row)
        cells = [
            name,
            first.section,
            f"`{first.field}`",
            rules[first.rule],
            first.rules if there else "-",
            *(says(row) for row in rows),
            next((row.log for row in reversed(there) if row.log), ""),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def says(row):
    if not row or row.cpu == ABSENT:
        return "not there"
    return row.cpu if row.agrees else f"**{row.cpu}**"

"""docs/bench.md: the figures of tests/bench/baseline, and beside them those of tools/bench-kvm for
the same guest, where they have been measured.

A peer's file is tests/bench/NAME, as kvm: comment lines, of them one "# machine: ..." in words, and
the guest's own lines "@bench name=... vms=1 instructions=N mean=N ...".
"""

import os
import re

import bench_baseline
import bench_cpus
from bench_baseline import BASELINE
from bench_runs import ALWAYS, COUNTS, NAMED, TESTS
from boot import ROOT
from records import records

DOCS = os.path.join(ROOT, "docs/bench.md")
PEERS = {
    "resident": "Resident there",
    "kvm": "KVM",
    "kvm-off": "KVM, mitigations=off",
}

HEAD = """\
# What operations cost a guest

Written by `make bench BASELINE=write` (and `make bench PEER=kvm`). Do not edit.

Measured on {machine}, built by {compiler}. There a TSC tick is an
instruction, so the figures are instructions and repeat to the tick; VM entry, exit, VMREAD and
VMWRITE are one instruction each, which they are not on a CPU.

`tests/guest/bench.c` runs each operation 200 times and counts the ticks of each, its own loop not
counted. **instructions** is what most of the rounds took, of the guest's own instructions to the
end of the operation; **mean** is of all rounds, those included that the end of a slice fell
into. Three more rounds are traced, instruction by instruction, in the emulator: **root** are the
instructions in VMX root mode, **VMREADs** and **VMWRITEs** those among them.
`make profile TEST=cpuid-0` says in which function they are.

`make bench` measures all again and compares: one VMREAD or VMWRITE more, or more than 2% more
instructions, is a failure. `make test` does the same with all tests alone and the switches beside
64 VMs. With another compiler than the one named above instructions are not judged, on another Bochs
nothing.
"""

BESIDE = """\
## Beside other VMs

The same, in instructions, beside VMs that halt with a timer of a minute. A switch
takes two VMs at least. Of `turn` all VMs yield, and the figure is one VM's turn.
"""

BESIDE_KVM = """\
The last columns are by `make bench PEER=kvm`: the same guest under Linux's KVM, and under Resident
on the same Bochs and CPU model, which is one that Debian's kernel starts on. `tests/peer/launcher.c`
starts KVM's guest, with KVM's own APIC, PIC and 8254; COM1 and ports that are not there are the
launcher's, in user space. KVM has a guest's FPU state in the registers whenever the guest runs, and
leaves CR0.TS to it.

An empty field: the test needs Resident's hypercalls or options, other VMs, or the trace; and
`preempt` cannot be measured under KVM, since on Bochs no interrupt takes the CPU from a guest that was
entered with IF=0.
"""

CPUS = """\
## On several CPUs

These are instructions of one CPU in root mode, by the traces of all: with several CPUs the
emulator's TSC steps by five. To wait for another CPU is no work: what lies between the first and
the last PAUSE of a wait is left out, and what the other one does meanwhile is a row of its own.

A vCPU that moves costs **in** on the CPU that takes it (`loaded_take()`: the mail and its NMI, the
change from the vCPU that was there, the move) and **out** on the one that had it (`mail_serve()`).
To that comes `kick-guest`, the NMI itself on the CPU that had it: without what it was sent for, a kick
that finds nothing to do. `kick-halt` is without `loaded_take()`. FPU state is not loaded by a move
but by the next entry or use, as with any switch.
"""

FLAT = """\
Here each CPU has a guest of its own, and all run the same test at the same time; the figure is that
of the CPU where it takes most. What leaves for the scheduler looks at the other CPUs, and CPU 0 polls
the console too; what does not should cost what it costs alone.
"""

LEFT_OUT = """\
## Left out

- A preemption timer that finds nothing to do: there is no such exit on Bochs, whose timer counts
  each TSC tick.
- An EPT fault other than the one that splits a page: a VM's memory is mapped when it is made.
- `hlt-pending` on several CPUs: with those Bochs may take the interrupt between STI and HLT.
"""


def peer_rows(name):
    """(machine, {test: record}) of a peer, or None if it has not been measured."""
    path = os.path.join(os.path.dirname(BASELINE), name)
    if not os.path.exists(path):
        return None
    with open(path, encoding="ascii") as file:
        text = file.read()
    machine = re.search(r"^# machine: (.*)$", text, re.M)
    rows = {r["name"]: r for r in records(text) if r.kind == "bench" and r.has(vms=1)}
    return machine[1] if machine else "a machine that was not named", rows


def alone(baseline):
    """The rows of one VM alone; of a switch, of two."""
    found = {}
    for name in TESTS:
        counts = sorted(vms for key, vms, cpus in baseline.rows if (key, cpus) == (name, 1))
        if counts and counts[0] <= 2:
            found[name] = baseline.rows[name, counts[0], 1]
    return found


def table(baseline, peers):
    titles = [PEERS[name] for name in peers]
    lines = [
        "| test | what it is | Resident | mean | root | VMREADs | VMWRITEs |"
        + "".join(f" {title} |" for title in titles),
        "|---|---|" + "--:|" * (5 + len(titles)),
    ]
    for name, row in alone(baseline).items():
        numbers = [row.instructions, row.mean, row.root, row.vmreads, row.vmwrites]
        cells = [f"{number:,}" for number in numbers]
        for _, rows in peers.values():
            cells.append(f"{rows[name].number('instructions'):,}" if name in rows else "")
        lines.append(f"| `{name}` | {TESTS[name]} | " + " | ".join(cells) + " |")
    return lines


def beside_table(baseline):
    counts = [2, *COUNTS[1:]]
    lines = [
        "| test | alone | " + " | ".join(f"{n} VMs" for n in counts) + " |",
        "|---|" + "--:|" * (1 + len(counts)),
    ]
    for name in (*ALWAYS, *NAMED):
        rows = [baseline.rows.get((name, vms, 1)) for vms in (1, *counts)]
        if any(rows):
            cells = [f"{row.instructions:,}" if row else "" for row in rows]
            lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return lines


def moves_table(baseline):
    lines = ["| test | what it is | root | VMREADs | VMWRITEs |", "|---|---|--:|--:|--:|"]
    rows = {name: row for (name, _, _), row in baseline.rows.items()}
    for name, what in bench_cpus.TESTS.items():
        if row := rows.get(name):
            lines.append(f"| `{name}` | {what} | {row.root:,} | {row.vmreads} | {row.vmwrites} |")
    return lines


def flat_table(baseline):
    counts = (1, *bench_cpus.COUNTS)
    lines = [
        "| test | 1 CPU | " + " | ".join(f"{n} CPUs" for n in counts[1:]) + " |",
        "|---|" + "--:|" * len(counts),
    ]
    for name in bench_cpus.FLAT:
        rows = [baseline.rows.get((name, n, n)) for n in counts]
        if any(rows):
            cells = [f"{row.root:,}" if row else "" for row in rows]
            lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return lines


def text(baseline, peers):
    lines = [HEAD.format(machine=baseline.machine, compiler=baseline.compiler)]
    if peers:
        lines.append(BESIDE_KVM)
        lines += [f"- **{PEERS[name]}**: {machine}." for name, (machine, _) in peers.items()]
        lines.append("")
    lines += [*table(baseline, peers), "", BESIDE, *beside_table(baseline), ""]
    lines += [CPUS, *moves_table(baseline), "", FLAT, *flat_table(baseline), "", LEFT_OUT]
    return "\n".join(lines)


def write():
    """docs/bench.md anew, from the files in tests/bench."""
    baseline = bench_baseline.read()
    peers = {name: rows for name in PEERS if (rows := peer_rows(name))}
    with open(DOCS, "w", encoding="ascii") as file:
        file.write(text(baseline, peers))

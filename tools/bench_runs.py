"""What operations cost a guest: the tests of tests/guest/bench_tests.c, the boots that measure
them, and how what the guest counted and what the trace shows become one row."""

import os
from collections import Counter
from dataclasses import dataclass, field

import bench_trace
import bochs
from boot import BUILD, boot_once
from records import records

IMAGE = os.path.join(BUILD, "resident.debug")
CPU = "tigerlake"  # the machine: Bochs, its BIOS, one CPU of this model, 256 MiB
WHICH = "newest" if bochs.newest() else "system"
COUNTS = (1, 4, 16, 64)  # of VMs
TRACED = 3  # rounds of each test that are traced
READY = "bench: done"
SETTLE_MS = 300  # and for each VM, until its records are on the console
SETTLE_MS_VM = 20

# What there is in the guest's table, and what it is, for docs/bench.md.
ALWAYS = {
    "nothing": "an empty function: the measurement itself, 0",
    "cpuid-0": "CPUID leaf 0, of a guest that has not used the FPU (armed)",
    "cpuid-1": "CPUID leaf 1",
    "cpuid-7": "CPUID leaf 7",
    "cpuid-d": "CPUID leaf Dh",
    "vmcall": "VMCALL, function 0 (version); KVM knows none of this number",
    "in-lsr": "IN from COM1's line status register",
    "out-scratch": "OUT to COM1's scratch register",
    "out-nobody": "OUT to a port that is not there (2F0h)",
    "rdmsr-efer": "RDMSR of EFER",
    "rdmsr-fs-base": "RDMSR of FS_BASE; does not exit",
    "wrmsr-efer": "WRMSR of EFER, its value unchanged",
    "wrmsr-star": "WRMSR of STAR",
    "xsetbv": "XSETBV, x87 alone",
    "mov-cr0-ne": "MOV to CR0 that changes NE: only the shadow",
    "mov-cr0-ts": "MOV to CR0 that sets TS: armed becomes guarded",
    "mov-cr0-wp": "MOV to CR0 that changes WP; does not exit",
    "mov-cr3": "MOV to CR3; does not exit",
    "mov-cr4": "MOV to CR4 that changes TSD; does not exit (no bit that a guest may have does)",
    "clts": "CLTS while TS is set: guarded becomes armed",
    "clts-clear": "CLTS while TS is clear; does not exit",
    "hlt-pending": "HLT with a wake-up pending, to the end of an empty interrupt handler",
    "hlt-timer": "a hypercall that sets a timer, and HLT until it comes; the wait not counted",
    "yield": "the rest of the slice given up, and nobody else wants the CPU",
    "timer-due": "a guest's timer comes due while IF is 0: the preemption timer's exit and back",
    "preempt": "a slice ends, and the same guest goes on",
    "eoi-page": "EOI of an interrupt in service, by the local APIC's page; does not exit",
    "tpr-page": "a write of TPR by the local APIC's page; does not exit",
    "eoi-msr": "EOI of an interrupt in service, by WRMSR; does not exit",
    "tpr-msr": "a write of TPR by WRMSR; does not exit",
    "self-ipi-msr": "an IPI to itself by WRMSR, which TPR keeps back",
    "self-ipi-window": "the same, which only IF keeps back: the interrupt window is opened",
    "pit-read": "IN from counter 0 of the 8254",
    "rtc-read": "seconds of the real-time clock: OUT to 70h and IN from 71h, two exits",
    "pm-timer-read": "IN from ACPI's power management timer",
    "hpet-read": "a read of 32 bits of the HPET's counter, in its page",
    "touch": "the first write to a page of memory; does not exit",
    "cpuid-0-open": "CPUID leaf 0, of a guest whose FPU state is in the registers (open)",
}
NAMED = {
    "ept-split": "a fetch from a large page, which becomes 512 small ones (multihit=split)",
    "host-section": "FPU use and CPUID, the hypervisor using the FPU at each exit (hostfpu=exits)",
    "switch-no-fpu": "to another vCPU and back, neither uses the FPU",
    "switch-resident": "to another vCPU and back, this one uses the FPU and finds it resident",
    "switch-load": "to another vCPU and back, both use the FPU: both states are loaded",
    "cpuid-0-mitigated": "CPUID leaf 0 with all of docs/mitigations.md (mitigations=all)",
    "switch-mitigated": "switch-no-fpu with all of that: two entries from the run loop, and IBPB",
    "turn": "all VMs yield: one turn, with the change to the next vCPU",
}
TESTS = {**ALWAYS, **NAMED}


class BenchError(Exception):
    """A boot did not give what it should; the text says which and why."""


@dataclass(frozen=True)
class Run:
    """A boot: the tests that it runs, so many VMs, and what the others do."""

    tests: tuple
    vms: int
    peers: tuple = ()  # words of the first peers; the others halt
    options: str = ""
    words: str = ""
    memory: str = "40M"
    traced: int = TRACED
    turns: int = 1  # in a round: the row is one of them
    cpus: int = 1

    def __str__(self):
        what = "all" if self.tests == tuple(ALWAYS) else ",".join(self.tests)
        return f"{what} vms={self.vms}"

    @property
    def modules(self):
        only = "" if self.tests == tuple(ALWAYS) else "only=" + ",".join(self.tests)
        after = SETTLE_MS + SETTLE_MS_VM * self.vms
        peers = self.peers + ("halt",) * (self.vms - 1 - len(self.peers))
        words = f"vms={self.vms} after={after} traced={self.traced} {only} {self.words}"
        first = ("bench", f"name=bench mem={self.memory} control=on -- {words}")
        return (
            first,
            *(("bench", f"name=p{n} mem=2M -- {words}") for n, words in enumerate(peers, 1)),
        )

    @property
    def boot(self):
        """As the fixture `boot` and boot_once() take it."""
        return {
            "cpu": CPU,
            "opts": f"stats=off {self.options}".strip(),
            "modules": self.modules,
            "commands": list(bench_trace.COMMANDS) * (len(self.tests) * self.traced),
            "magic": True,
            "until": READY,
            "bochs": WHICH,
        }

    def rows(self, result, image):
        """The rows of a boot that was made with self.boot."""
        if READY not in result.console:  # alone, it may have ended the machine before it was stopped
            raise BenchError(f"{self}: the guest did not come to its end\n{result.report()}")
        out = os.path.join(result.work, "emulator.out")
        with open(out, encoding="ascii", errors="replace") as log:
            return join(self, guest_records(result), bench_trace.windows(log, image))


def switch_runs(vms):
    pair = max(vms, 2)
    return [
        Run(("switch-no-fpu", "switch-resident"), pair, ("yield",)),
        Run(("switch-load",), pair, ("yield uses",)),
    ]


def turn_run(vms):
    peers = ("yield",) * (vms - 1)
    return Run(("turn",), vms, peers, words="rounds=50", traced=1, turns=vms)


def split_run(vms):
    words = "warm=4 rounds=16"  # each takes 2 MiB
    return Run(("ept-split",), vms, options="multihit=split", words=words, memory="80M")


def host_run(vms):
    return Run(("host-section",), vms, options="hostfpu=exits")


def mitigated_runs():
    how = {"options": "mitigations=all"}
    return [
        Run(("cpuid-0-mitigated",), 1, **how),
        Run(("switch-mitigated",), 2, ("yield",), **how),
    ]


def all_runs():
    found = []
    for vms in COUNTS:
        found += [Run(tuple(ALWAYS), vms), split_run(vms), host_run(vms), *switch_runs(vms)]
        found += [turn_run(vms)] if vms > 1 else []
    return found + mitigated_runs()


def short_runs():
    """All tests alone, and the switches beside 64 VMs."""
    alone = [Run(tuple(ALWAYS), 1), split_run(1), host_run(1)]
    return [turn_run(64), *switch_runs(64), *switch_runs(1), *alone, *mitigated_runs()]


@dataclass
class Row:
    """One line of tests/bench/baseline."""

    name: str
    vms: int
    instructions: int
    mean: int  # of all rounds, those that a slice's end disturbed included
    root: int
    vmreads: int
    vmwrites: int
    cpus: int = 1
    round: list = field(default=None, repr=False, compare=False)  # root mode, one round

    KEYS = ("vms", "instructions", "mean", "root", "vmreads", "vmwrites", "cpus")

    @property
    def key(self):
        return self.name, self.vms, self.cpus

    @property
    def where(self):
        return f"vms={self.vms}" + (f" cpus={self.cpus}" if self.cpus > 1 else "")

    def __str__(self):
        values = " ".join(f"{key}={getattr(self, key)}" for key in self.KEYS)
        return f"@bench name={self.name} {values}"


def row_of(record):
    return Row(record["name"], *(record.number(key) for key in Row.KEYS))


def guest_records(result):
    return [r for r in records("\n".join(result.lines("bench"))) if r.kind == "bench"]


def typical(windows, instructions):
    """Of a test's traced rounds the one that is like most of those that were counted: the guest
    counted that one's instructions, and a few of its own."""
    return min(windows, key=lambda w: (len(w) > instructions, abs(instructions - len(w))))


def most_common(windows):
    costs = Counter(map(bench_trace.cost, windows))
    best = min(costs, key=lambda c: (-costs[c], c))
    return next(w for w in windows if bench_trace.cost(w) == best)


def per_turn(number, turns):
    return (number + turns // 2) // turns


def join(run, counted, windows):
    """A row for each test of a run: the guest's records, and the windows of its trace."""
    names = [record["name"] for record in counted]
    if names != list(run.tests):
        raise BenchError(f"{run}: the guest measured {names}")
    if len(windows) != len(names) * run.traced:
        raise BenchError(
            f"{run}: {len(windows)} windows in the trace of {len(names)} tests, {run.traced} each"
        )
    rows = []
    for n, record in enumerate(counted):
        traced = windows[n * run.traced : (n + 1) * run.traced]
        instructions, mean = record.number("instructions"), record.number("mean")
        seen = typical(traced, instructions)
        if record["name"] == "hlt-timer":  # the timer's own grain is in what the guest counted
            seen = most_common(traced)
            instructions = mean = len(seen)
        root = bench_trace.cost(seen)
        if record["name"] == "nothing":
            if instructions or root.instructions:
                raise BenchError(f"{run}: to do nothing took {instructions} instructions")
            continue
        numbers = (instructions, mean, *root)
        per = [per_turn(number, run.turns) for number in numbers]
        rows.append(Row(record["name"], record.number("vms"), *per, round=seen))
    return rows


def measure(run, work):
    return run.rows(boot_once(work, **run.boot), bench_trace.Image(IMAGE))

"""What operations cost where guests run on several CPUs: instructions of one CPU in root mode, by
the traces of all. Time is nothing here: with several CPUs Bochs' TSC steps by five, and what a CPU
executes while it waits for another is not counted."""

from dataclasses import dataclass

import bench_trace
from bench_runs import ALWAYS, CPU, TRACED, WHICH, BenchError, Row, most_common
from bench_trace import GUEST, cost, mnemonic

COUNTS = (2, 4, 8)  # of CPUs, with a guest each
SETTLE_MS = 100  # and for each VM, until its records are on the console
SETTLE_MS_VM = 30
SLICE_US = 500  # the trace is that much shorter
SKEW_MS = 3  # the guests begin so much later than the trace, and end so much earlier
ROUNDS = "warm=2 rounds=1"

# These do not exit; and hlt-pending takes an interrupt right before HLT, which loses the halt's
# wake-up (tools/defects.py).
NO_EXIT = ("nothing", "rdmsr-fs-base", "mov-cr0-wp", "mov-cr3", "mov-cr4", "clts-clear", "touch")
NO_EXIT += ("eoi-page", "tpr-page", "eoi-msr", "tpr-msr")  # by APIC virtualization
FLAT = tuple(name for name in ALWAYS if name not in (*NO_EXIT, "hlt-pending"))

IN = "what the CPU does that takes the vCPU, "
OUT = "what the CPU does that had it, "
UNUSED = "of a guest that has not used the FPU"
CLEAN = "of one whose FPU state another guest has displaced, and saved"
DIRTY = "of one whose FPU state is in the registers only"
TESTS = {
    "migration-unused-in": IN + UNUSED,
    "migration-unused-out": OUT + UNUSED,
    "migration-clean-in": IN + CLEAN,
    "migration-clean-out": OUT + CLEAN,
    "migration-dirty-in": IN + DIRTY,
    "migration-dirty-out": OUT + DIRTY,
    "kick-guest": "an NMI while a guest runs, and back to it",
    "kick-halt": "an NMI that wakes a CPU, to the entry of the guest that it finds waiting",
    "ipi": "a kick, on the CPU that sends it",
}


def words(run, after):
    return f"vms={run.vms} after={SETTLE_MS + SETTLE_MS_VM * run.vms + after} {ROUNDS}"


def several(cpus, options, modules):
    """A boot as the fixture `boot` and boot_once() take it: it ends with the trace."""
    return {
        "cpu": CPU,
        "cpus": cpus,
        "opts": f"stats=off {options}",
        "modules": modules,
        "commands": bench_trace.commands_for(cpus),
        "magic": True,
        "bochs": WHICH,
    }


def row(name, vms, cpus, executed):
    root = cost(executed)
    return Row(name, vms, root.instructions, root.instructions, *root, cpus=cpus, round=executed)


@dataclass(frozen=True)
class Flat:
    """A guest on each of so many CPUs, all of which run the same tests: independent of each other,
    they should cost what one costs alone."""

    cpus: int
    tests: tuple = FLAT

    def __str__(self):
        return f"{'all' if self.tests == FLAT else ','.join(self.tests)} cpus={self.cpus}"

    @property
    def vms(self):
        return self.cpus

    @property
    def boot(self):
        each = f"traced={TRACED} only={','.join(self.tests)}"
        first = f"name=b0 mem=8M control=on cpus=0 -- {words(self, 0)} window={2 * SKEW_MS} {each}"
        others = [
            f"name=b{n} mem=8M control=on cpus={n} -- {words(self, SKEW_MS)} window=0 {each}"
            for n in range(1, self.cpus)
        ]
        modules = tuple(("bench", module) for module in (first, *others))
        return several(self.cpus, f"slice={SLICE_US}", modules)

    @property
    def counted(self):
        return len(self.tests) * TRACED

    def costs(self, result, image):
        """{test: what most of its rounds execute on each CPU}."""
        windows = []
        for number, executed in enumerate(read(result, image, self.cpus)):
            windows.append(bench_trace.marked(executed))
            if len(windows[-1]) != self.counted:
                raise BenchError(
                    f"{self}: {len(windows[-1])} windows in the trace of CPU {number}, and there "
                    f"should be {self.counted}\n{result.report()}"
                )
        return {
            name: [most_common(w[n * TRACED : (n + 1) * TRACED]) for w in windows]
            for n, name in enumerate(self.tests)
        }

    def rows(self, result, image):
        """Of each test the CPU where it takes most."""
        found = self.costs(result, image).items()
        return [row(name, self.vms, self.cpus, max(each, key=cost)) for name, each in found]


def saves(executed):
    return any(mnemonic(i).startswith(("xsave", "fxsave")) for i in executed)


def has(executed, what):
    return any(mnemonic(instruction) == what for instruction in executed)


class Traces:
    """What two CPUs do while a vCPU moves to and fro."""

    def __init__(self, traces, image):
        self.traces = traces
        self.address = image.at

    def calls(self, function):
        address = self.address(function)
        return [call for executed in self.traces for call in bench_trace.calls(executed, address)]

    def taken(self):
        """With what is waited for left out: loaded_take() of a vCPU that another CPU has."""
        asks = self.address("mail_ask")
        found = [call for call in self.calls("loaded_take") if asks in [i.address for i in call]]
        return [bench_trace.without_waiting(call) for call in found]

    def given(self, saved):
        """mail_serve() that gives one up, its FPU state `saved` by that or not."""
        return [c for c in self.calls("mail_serve") if has(c, "vmclear") and saves(c) == saved]

    def stretches(self):
        """What is between two stretches of a guest."""
        for executed in self.traces:
            stretch = []
            for instruction in executed:
                if instruction is GUEST:
                    yield stretch
                    stretch = []
                else:
                    stretch.append(instruction)

    def without(self, stretch, function):
        """A stretch without its one call of a function; None if there is no such call."""
        found = bench_trace.calls(stretch, self.address(function))
        if len(found) != 1:
            return None
        start = next(n for n, i in enumerate(stretch) if i is found[0][0])
        return stretch[:start] + stretch[start + len(found[0]) :]

    def kicked(self):
        """An exit that nothing follows but what another CPU has asked for."""
        exits = self.address("vmx_exit")
        found = [s for s in self.stretches() if s and s[0].address == exits and has(s, "vmclear")]
        return [rest for s in found if (rest := self.without(s, "mail_serve"))]

    def woken(self):
        """From a halt to the entry of a vCPU that another CPU has."""
        found = []
        for stretch in self.stretches():
            halts = [n for n, i in enumerate(stretch) if mnemonic(i) == "hlt"]
            if halts and has(stretch[halts[-1] :], "vmptrld"):
                found.append(self.without(stretch[halts[-1] + 1 :], "loaded_take"))
        return list(filter(None, found))


@dataclass(frozen=True)
class Moves:
    """A vCPU that goes from one CPU to the other with each turn, between which it waits for the
    slice of the guest to end that each has, if there are `peers`."""

    tests: tuple
    test: str  # of the one that moves
    peers: str = ""
    traced: int = 8
    cpus: int = 2

    def __str__(self):
        return f"{','.join(self.tests)} cpus={self.cpus}"

    @property
    def vms(self):
        return 1 + self.cpus if self.peers else 1

    @property
    def boot(self):
        own = f"window=1 traced={self.traced} only={self.test}"
        first = f"name=bench mem=8M control=on trust=bench cpus=0+1 -- {words(self, 0)} {own}"
        peers = [
            f"name=p{n} mem=2M trust=bench cpus={n} -- {self.peers}" for n in range(self.vms - 1)
        ]
        modules = tuple(("bench", module) for module in (first, *peers))
        return several(self.cpus, f"slice={SLICE_US} migrate=1", modules)

    def rows(self, result, image):
        traces = Traces(read(result, image, self.cpus), image)
        ways = {
            "in": traces.taken,
            "out": lambda: traces.given(saved="migration-dirty-out" in self.tests),
            "guest": traces.kicked,
            "halt": traces.woken,
            "ipi": lambda: traces.calls("mail_kick"),
        }
        found = []
        for name in self.tests:
            seen = ways[name.rpartition("-")[2]]()
            if not seen:
                raise BenchError(f"{self}: no {name} in the trace\n{result.report()}")
            found.append(row(name, self.vms, self.cpus, most_common(seen)))
        return found


def read(result, image, cpus):
    with open(f"{result.work}/emulator.out", encoding="ascii", errors="replace") as log:
        return bench_trace.of_each_cpu(log, image, cpus)


def moves():
    return [
        Moves(("kick-halt", "ipi"), "switch-no-fpu"),
        Moves(("migration-unused-in", "migration-unused-out", "kick-guest"), "switch-no-fpu", "spin"),
        Moves(("migration-clean-in", "migration-clean-out"), "switch-load", "spin uses"),
        Moves(("migration-dirty-in", "migration-dirty-out"), "switch-load", "spin"),
    ]


def all_runs():
    return [*moves(), *map(Flat, COUNTS)]

"""What one operation of the bench guest executes in root mode, from Bochs' instruction trace.

The guest marks the beginning and the end of a round by a magic breakpoint each, and the debugger
traces what is between. A line of it:

  (0).[74469344] [0x0000002107a7] 0008:00000000002107a7 (unk. ctxt): vmread rax, rax  ; 0f78c0

In front is the CPU. The second bracket is the address in the machine's memory: what lies in the
hypervisor's text is root mode, and nothing else is.

Several CPUs are traced at once, from one breakpoint to the next: their windows overlap, and an
XCHG CX,CX at the beginning and the end of each, in the trace of its CPU, says where they are.
"""

import bisect
import re
import subprocess
from collections import namedtuple

# What the debugger is told for each window, beginning at the first breakpoint.
COMMANDS = ("trace on", "c", "trace off", "c")
TRACE_ON, TRACE_OFF = "Tracing enabled", "Tracing disabled"
MARK = "xchg cx, cx"
LINE = re.compile(r"\((\d+)\)\.\[\d+\] \[0x([0-9a-f]+)\] [0-9a-f]+:[0-9a-f]+ \([^)]*\): ([^;]*?)\s*;")
WIDE = {
    f"{wide}": name
    for name in ("ax", "bx", "cx", "dx", "si", "di", "bp", "sp")
    for wide in ("r" + name, "e" + name)
} | {f"r{n}{suffix}": f"r{n}" for n in range(8, 16) for suffix in ("", "d")}
# These read their first operand and write none.
READ_ONLY = ("cmp", "test", "push", "call", "jmp", "vmwrite", "bt", "out")

Instruction = namedtuple("Instruction", "address text")
Cost = namedtuple("Cost", "instructions vmreads vmwrites")
GUEST, MARKED = Instruction(None, "guest"), Instruction(None, "mark")


class TraceError(Exception):
    """The trace is not what it should be; the text says how."""


class Image:
    """The hypervisor: where its text is, and which function an address belongs to."""

    def __init__(self, path):
        self.path = path
        named = []
        for line in run("nm", "-n", path):
            address, kind, name = line.split(maxsplit=2)
            if kind in "tT":
                named.append((int(address, 16), name))
        self.marks = {name: address for address, name in named}
        self.start, self.end = self.at("text_start"), self.at("text_end")
        # the label of a function and not one within it: of several at an address the last
        self.named = [(a, n) for a, n in named if self.start <= a < self.end]
        self.addresses = [address for address, _ in self.named]

    def at(self, name):
        try:
            return self.marks[name]
        except KeyError:
            raise TraceError(f"{self.path} has no function {name}") from None

    def holds(self, address):
        return self.start <= address < self.end

    def function(self, address):
        return self.named[bisect.bisect_right(self.addresses, address) - 1]

    def files(self, addresses):
        """{address: source file} by the debug information."""
        addresses = sorted(addresses)
        lines = run("addr2line", "-e", self.path, *map(hex, addresses))
        return dict(zip(addresses, (line.rpartition(":")[0] for line in lines)))


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TraceError(f"{command[0]} failed: {done.stderr.strip()}")
    return done.stdout.splitlines()


def windows(lines, image):
    """The instructions in root mode of each window, in the order of the windows."""
    found, window = [], None
    for line in lines:
        if line.startswith(TRACE_ON):
            window = []
        elif line.startswith(TRACE_OFF):
            if window is None:
                raise TraceError("a window of the trace ends that has not begun")
            found.append(window)
            window = None
        elif window is not None and (match := LINE.match(line)):
            address = int(match[2], 16)
            if image.holds(address):
                window.append(Instruction(address, match[3]))
    if window is not None:
        raise TraceError("the last window of the trace has no end")
    return found


def commands_for(cpus):
    """What the debugger is told to trace so many CPUs from the first breakpoint to the second, and
    to end then."""

    def each(command):
        return [word for cpu in range(cpus) for word in (f"set $cpu={cpu}", command)]

    return (*each("trace on"), "c", *each("trace off"))


def of_each_cpu(lines, image, cpus):
    """[instructions in root mode, in order] of each CPU. Between them GUEST stands for any number
    of others, and MARKED for a mark."""
    found = [[] for _ in range(cpus)]
    for line in lines:
        if not (match := LINE.match(line)):
            continue
        executed, address = found[int(match[1])], int(match[2], 16)
        if image.holds(address):
            executed.append(Instruction(address, match[3]))
        elif match[3] == MARK:
            executed.append(MARKED)
        elif not executed or executed[-1] is not GUEST:
            executed.append(GUEST)
    return found


def marked(executed):
    """The windows of a CPU, of what of_each_cpu() found: from a mark to the next, and so on."""
    found, window = [], None
    for instruction in executed:
        if instruction is MARKED:
            if window is not None:
                found.append(window)
            window = None if window is not None else []
        elif window is not None and instruction is not GUEST:
            window.append(instruction)
    return found


def calls(executed, address):
    """What each call of the function there executes, functions that it calls included."""
    found = []
    for start, first in enumerate(executed):
        if first.address != address:
            continue
        depth = 0
        for end in range(start, len(executed)):
            what = mnemonic(executed[end])
            if what == "ret" and depth == 0:
                found.append(executed[start : end + 1])
                break
            depth += (what == "call") - (what == "ret")
    return found


def without_waiting(executed):
    """All but what is between the first PAUSE and the last."""
    pauses = [n for n, instruction in enumerate(executed) if mnemonic(instruction) == "pause"]
    return executed[: pauses[0]] + executed[pauses[-1] + 1 :] if pauses else executed


def mnemonic(instruction):
    return instruction.text.partition(" ")[0]


def cost(instructions):
    names = [mnemonic(instruction) for instruction in instructions]
    return Cost(len(names), names.count("vmread"), names.count("vmwrite"))


def by_function(instructions, image):
    """[((address, name), Cost)] in the order in which the functions are first reached."""
    visited = {}
    for instruction in instructions:
        visited.setdefault(image.function(instruction.address), []).append(instruction)
    return [(function, cost(executed)) for function, executed in visited.items()]


def operands(instruction):
    return [word.strip() for word in instruction.text.partition(" ")[2].split(",")]


def fields(instructions, names):
    """[(mnemonic, field)] of each VMREAD and VMWRITE, by the constants that were moved into
    registers before: a name, or "?" where it was no constant in this window."""
    known, found = {}, []
    for instruction in instructions:
        what, words = mnemonic(instruction), operands(instruction)
        if what in ("vmread", "vmwrite"):
            field = known.get(WIDE.get(words[1 if what == "vmread" else 0]))
            found.append((what, names.get(field, "?")))
        target = WIDE.get(words[0])
        if target is None or what in READ_ONLY or what.startswith("j"):
            continue
        known.pop(target, None)
        if what == "mov" and re.fullmatch(r"0x[0-9a-f]+", words[1]):
            known[target] = int(words[1], 16)
        elif what == "mov" and WIDE.get(words[1]) in known:
            known[target] = known[WIDE[words[1]]]
    return found


def field_names(path):
    """{encoding: name} from vmx/vmcs_fields.h."""
    with open(path, encoding="utf-8") as file:
        return {
            int(code, 16): name
            for name, code in re.findall(r"X\(([A-Z0-9_]+), (0x[0-9a-f]+)\)", file.read())
        }

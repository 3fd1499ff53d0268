"""What one operation of the bench guest executes in root mode, from Bochs' instruction trace.

The guest marks the beginning and the end of a round by a magic breakpoint each, and the debugger
traces what is between. A line of it:

  (0).[74469344] [0x0000002107a7] 0008:00000000002107a7 (unk. ctxt): vmread rax, rax  ; 0f78c0

The second bracket is the address in the machine's memory: what lies in the hypervisor's text is
root mode, and nothing else is.
"""

import bisect
import re
import subprocess
from collections import namedtuple

# What the debugger is told for each window, beginning at the first breakpoint.
COMMANDS = ("trace on", "c", "trace off", "c")
TRACE_ON, TRACE_OFF = "Tracing enabled", "Tracing disabled"
LINE = re.compile(r"\(\d+\)\.\[\d+\] \[0x([0-9a-f]+)\] [0-9a-f]+:[0-9a-f]+ \([^)]*\): ([^;]*?)\s*;")
WIDE = {
    f"{wide}": name
    for name in ("ax", "bx", "cx", "dx", "si", "di", "bp", "sp")
    for wide in ("r" + name, "e" + name)
} | {f"r{n}{suffix}": f"r{n}" for n in range(8, 16) for suffix in ("", "d")}
# These read their first operand and write none.
READ_ONLY = ("cmp", "test", "push", "call", "jmp", "vmwrite", "bt", "out")

Instruction = namedtuple("Instruction", "address text")
Cost = namedtuple("Cost", "instructions vmreads vmwrites")


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
        marks = {name: address for address, name in named}
        try:
            self.start, self.end = marks["text_start"], marks["text_end"]
        except KeyError as missing:
            raise TraceError(f"{path} has no symbol {missing}") from None
        # the label of a function and not one within it: of several at an address the last
        self.named = [(a, n) for a, n in named if self.start <= a < self.end]
        self.addresses = [address for address, _ in self.named]

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
            address = int(match[1], 16)
            if image.holds(address):
                window.append(Instruction(address, match[2]))
    if window is not None:
        raise TraceError("the last window of the trace has no end")
    return found


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

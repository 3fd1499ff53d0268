#!/usr/bin/python3
"""No x87, MMX, SSE, AVX or XSAVE instruction of the hypervisor is outside fpu/instructions.S, and
each that moves state as a whole is there once: what the FPU manager counts cannot be bypassed.

XGETBV, MOVNTI, PREFETCH and CLTS neither touch vector state nor heed CR0.TS, and are left alone."""

import re
import subprocess
import sys
from collections import Counter

IMAGE = sys.argv[1] if len(sys.argv) > 1 else "build/resident.elf"
SITES = "fpu/instructions.S"

DATA = ("text_start", "mb2_header_end")  # the multiboot headers lie in .text
CODE32 = [("start32", "start64")]

REGISTER = re.compile(r"%(st\b|mm[0-7]\b|[xyz]mm\d|k[0-7]\b|tmm\d|bnd\d)")
STATE = re.compile(r"xsave|xrstor|xsetbv|fn?save|frstor|fx(save|rstor)|ldmxcsr|stmxcsr|(rd|wr)pkru")
VECTOR = re.compile(
    rf"v?({STATE.pattern})|f|wait|emms"  # every x87 name begins with f, and no other name
    r"|v(?!m(call|clear|func|launch|mcall|ptrld|ptrst|read|resume|run|write|xo(n|ff)|load|save)"
    r"|er[rw])"
    r"|ldtilecfg|sttilecfg|tile"
)
PREFIX = re.compile(
    r"(rex(\.\w+)?|lock|rep(n?[ez])?|data16|data32|addr32|addr16|bnd|notrack|x(acquire|release)"
    r"|[c-g]s|ss|\{\w+\})$"
)
LINE = re.compile(r"\s*([0-9a-f]+):\t(.*)")


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def symbols():
    rows = [line.split() for line in output("nm", "-n", IMAGE).splitlines()]
    return {name: int(address, 16) for address, kind, name in rows if kind in "tTaA"}


def functions_of(source):
    """The names that the file's macros define: `function NAME` and `image_instruction NAME ...`."""
    with open(source) as text:
        found = re.findall(r"^\s*(?:function|image_instruction)\s+(\w+)", text.read(), re.M)
    return set(found)


def code(address):
    """The parts of .text that hold instructions, each with how to read them."""
    start, end = address["text_start"], address["text_end"]
    holes = [(*DATA, None)] + [(*names, "i386") for names in CODE32]
    for first, last, machine in sorted(holes, key=lambda hole: address[hole[0]]):
        yield start, address[first], "i386:x86-64"
        if machine:
            yield address[first], address[last], machine
        start = address[last]
    yield start, end, "i386:x86-64"


def instructions():
    """(function, address, text) of every instruction."""
    for start, end, machine in code(symbols()):
        if start == end:
            continue
        function = "?"
        for line in output(
            "objdump", "-d", "-z", "--no-show-raw-insn", "-m", machine,
            f"--start-address={start}", f"--stop-address={end}", IMAGE,
        ).splitlines():  # fmt: skip
            if label := re.match(r"[0-9a-f]+ <(.*)>:", line):
                function = label[1]
            elif match := LINE.match(line):
                yield function, match[1], match[2].partition("#")[0].strip()


def mnemonic(text):
    words = text.split()
    while len(words) > 1 and PREFIX.match(words[0]):
        words.pop(0)
    return words[0]


def main():
    allowed = functions_of(SITES)
    seen, sites, count, problems = set(), Counter(), 0, []
    for function, address, text in instructions():
        name = mnemonic(text)
        count += 1
        seen.add(function)
        if name == "(bad)":
            problems.append(f"{address} in {function}: data among instructions, or {IMAGE} is bad")
        elif REGISTER.search(text) or VECTOR.match(name):
            if function not in allowed:
                problems.append(f"{address} in {function}: {text}: only {SITES} may have this")
            if STATE.match(name):
                sites[name] += 1
    problems += [f"{name} has {n} sites: there must be one" for name, n in sites.items() if n > 1]
    problems += [f"{name} of {SITES} is not in {IMAGE}" for name in sorted(allowed - seen)]
    if count < 1000 or not sites:
        problems.append(f"only {count} instructions and {len(sites)} kinds of FPU state sites read")
    print("\n".join(problems) or f"{count} instructions, {len(sites)} FPU state sites")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())

"""Where NMIs have struck the hypervisor (@struck), against its instructions."""

import os
import re
import subprocess

from booting import BUILD

PADDING = re.compile(r"(data16 |cs )*nop|xchg +%ax,%ax")

RESIDENT = os.path.join(BUILD, "resident.elf")


def output_of(*command):
    return subprocess.run(
        [*command, RESIDENT], check=True, capture_output=True, text=True
    ).stdout


def functions():
    """{name: [address, ...]}, a name may stand for several static functions."""
    found = {}
    for address, name in re.findall(r"^([0-9a-f]+) [tT] (\S+)$", output_of("nm"), re.M):
        found.setdefault(name, []).append(int(address, 16))
    return found


def instructions():
    """{address: mnemonic} of the hypervisor, without padding."""
    listing = output_of("objdump", "-d", "--no-show-raw-insn")
    lines = re.findall(r"^ +([0-9a-f]+):\t(.+)", listing, re.M)
    return {
        int(address, 16): text.split()[0] for address, text in lines if not PADDING.match(text)
    }


def stretch(first, last):
    """The addresses of all instructions from a function's first one to the next `last`, included."""
    code = instructions()
    (start,) = functions()[first]
    end = min(address for address, name in code.items() if address >= start and name == last)
    return {address for address in code if start <= address <= end}


def struck(result):
    """{function: addresses}, of all of its names that fit."""
    starts, code, found = functions(), instructions(), {}
    for record in result.all("struck"):
        offsets = [int(offset) for offset in record["at"].split(",")]
        for start in starts[record["from"]]:
            at = {start + offset for offset in offsets} & code.keys()
            found.setdefault(record["from"], set()).update(at)
    return found


def share(result, name):
    """Of the instructions of a function, those that were struck. What the compiler split off
    (NAME.part.0) belongs to it."""
    code, starts, hit = instructions(), functions(), struck(result)
    inside, at = set(), set()
    for part in starts:
        if part.split(".")[0] != name:
            continue
        (start,) = starts[part]
        end = min(other for others in starts.values() for other in others if other > start)
        inside |= {address for address in code if start <= address < end}
        at |= hit.get(part, set())
    return len(at & inside) / len(inside)

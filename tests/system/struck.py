"""Where NMIs have struck the hypervisor (@struck), against its instructions."""

import os
import re
import subprocess

from booting import BUILD

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
    """{address: mnemonic} of the hypervisor."""
    listing = output_of("objdump", "-d", "--no-show-raw-insn")
    lines = re.findall(r"^ +([0-9a-f]+):\t(\S+)", listing, re.M)
    return {int(address, 16): name for address, name in lines}


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
    """Of the instructions of a function, those that were struck."""
    code, starts = instructions(), functions()
    (start,) = starts[name]
    end = min(other for others in starts.values() for other in others if other > start)
    inside = {address for address in code if start <= address < end}
    return len(struck(result).get(name, set()) & inside) / len(inside)

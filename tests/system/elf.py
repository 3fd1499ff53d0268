"""The hypervisor's image, as binutils see it."""

import re
import subprocess


def lines(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


class Elf:
    def __init__(self, path):
        self.path = path

    def section(self, name):
        """The addresses of a section, as a range."""
        for line in lines("objdump", "--section-headers", self.path):
            fields = line.split()
            if fields[1:2] == [name]:
                size, start = int(fields[2], 16), int(fields[3], 16)
                return range(start, start + size)
        raise KeyError(name)

    def bytes(self, start, end):
        """What lies from one address to another."""
        bounds = [f"--start-address={start:#x}", f"--stop-address={end:#x}"]
        dumped = lines("objdump", "-s", *bounds, self.path)
        words = re.findall(r"^ [0-9a-f]+ ((?:[0-9a-f]+ ){1,4})", "\n".join(dumped), re.M)
        return bytes.fromhex("".join(words).replace(" ", ""))

    def symbols(self):
        """Every symbol's value."""
        return {name: int(value, 16) for value, _, name in map(str.split, lines("nm", self.path))}

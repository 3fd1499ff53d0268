#!/usr/bin/python3
"""The two ELF files: nothing is loaded both writable and executable, and GRUB finds both
headers."""

import subprocess
import sys

IMAGES = sys.argv[1:] or ["build/resident.elf", "build/resident32.elf"]


def segments(image):
    """The flags of each program header that is loaded, as readelf writes them: 'R E', 'RW '."""
    command = ["readelf", "--program-headers", "--wide", image]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in text.splitlines()]
    return ["".join(row[6:-1]) for row in rows if row[:1] == ["LOAD"]]


def main():
    problems = []
    for image in IMAGES:
        flags = segments(image)
        if "RE" not in flags or "RW" not in flags:
            problems.append(f"{image}: program headers {flags}: no code or no data")
        if any("W" in each and "E" in each for each in flags):
            problems.append(f"{image}: a program header is both writable and executable: {flags}")
        for protocol in ("multiboot", "multiboot2"):
            if subprocess.run(["grub-file", f"--is-x86-{protocol}", image]).returncode:
                problems.append(f"{image}: GRUB finds no {protocol} header")
    print("\n".join(problems) or f"{len(IMAGES)} images")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())

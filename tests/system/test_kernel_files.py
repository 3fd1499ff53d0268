"""Kernel files as other people's linkers write them, made here byte by byte: ours would not make
them."""

import struct

import pytest

BASE, BSS, BSS_SIZE, OFFSET = 0x100000, 0x200000, 0x3000, 0x1000

# Ends the VM with status 1 if the first or the last word of the zeroed memory is not 0.
CODE = bytes.fromhex("a100002000 0b05fc2f2000 0f95c0 e6f4".replace(" ", ""))
HEADER = struct.pack("<III", 0x1BADB002, 0, -0x1BADB002 & 0xFFFFFFFF)
BODY = HEADER + CODE


def program_header(wide, offset, address, file_size, memory_size):
    if wide:
        sizes = (offset, address, address, file_size, memory_size, 0x1000)
        return struct.pack("<2I6Q", 1, 7, *sizes)
    return struct.pack("<8I", 1, offset, address, address, file_size, memory_size, 7, 0x1000)


def kernel(wide, *segments):
    """An executable with the code at 1 MiB and these segments."""
    headers = [program_header(wide, OFFSET, BASE, len(BODY), len(BODY))]
    headers += [program_header(wide, *segment) for segment in segments]
    sizes = (64, 56) if wide else (52, 32)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    numbers = (2, 62 if wide else 3, 1, BASE + len(HEADER), sizes[0], 0, 0)
    rest = (sizes[0], sizes[1], len(headers), 0, 0, 0)
    start = struct.pack("<HHI3QI6H" if wide else "<HHI3II6H", *numbers, *rest)
    file = ident + start + b"".join(headers)
    return file + bytes(OFFSET - len(file)) + BODY


OFFSETS = {
    "in-the-file": OFFSET,
    "at-its-end": OFFSET + len(BODY),
    "beyond": 0x2000,
    "far": 0xFFFFF000,
}


@pytest.mark.parametrize("wide", [False, True], ids=["elf32", "elf64"])
@pytest.mark.parametrize("offset", OFFSETS)
def test_zeroed_memory_has_no_place_in_the_file(boot, tmp_path, offset, wide):
    path = tmp_path / "kernel.elf"
    path.write_bytes(kernel(wide, (OFFSETS[offset], BSS, 0, BSS_SIZE)))
    result = boot(modules=[(str(path), "name=g mem=4M runs=2")])
    causes = [record["cause"] for record in result.all("vm", name="g", state="ended")]
    assert causes == ["exit-port"] * 2
    assert result.status == 0


def test_an_empty_segment_may_be_anywhere(boot, tmp_path):
    path = tmp_path / "kernel.elf"
    path.write_bytes(kernel(True, (2**64 - 1, 2**64 - 1, 0, 0), (0, 0x80000000, 0, 0)))
    assert boot(modules=[(str(path), "name=g mem=4M")]).status == 0

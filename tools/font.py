#!/usr/bin/python3
"""The font of the framebuffer console: tools/font.py FONT OUTPUT takes the printable ASCII
characters out of a font for the Linux console, PSF 1 or 2, perhaps compressed by gzip, and writes
16 bytes for each, a byte a line, its highest bit left."""

import gzip
import struct
import sys

FIRST, LAST = 0x20, 0x7E
WIDTH, HEIGHT = 8, 16  # lib/font.h

PSF1_MAGIC, PSF1_512, PSF1_HAS_TABLE = b"\x36\x04", 1, 6
PSF2_MAGIC, PSF2_HAS_TABLE = b"\x72\xb5\x4a\x86", 1
PSF1_SEPARATOR, PSF1_SEQUENCE = 0xFFFF, 0xFFFE
PSF2_SEPARATOR, PSF2_SEQUENCE = 0xFF, 0xFE


class FontError(Exception):
    """The font cannot be used; the text says why."""


def psf1_table(data):
    """The characters of each glyph. What follows a sequence mark is no single character."""
    words = [word for (word,) in struct.iter_unpack("<H", data[: len(data) & ~1])]
    glyph, single, characters = 0, True, {}
    for word in words:
        if word == PSF1_SEPARATOR:
            glyph, single = glyph + 1, True
        elif word == PSF1_SEQUENCE:
            single = False
        elif single:
            characters.setdefault(word, glyph)
    return characters


def psf2_table(data):
    characters = {}
    for glyph, entry in enumerate(data.split(bytes([PSF2_SEPARATOR]))):
        for character in entry.split(bytes([PSF2_SEQUENCE]))[0].decode("utf-8"):
            characters.setdefault(ord(character), glyph)
    return characters


def read_font(data):
    """Width and height of a glyph, all glyphs, and which of them shows a character."""
    if data[:2] == PSF1_MAGIC and len(data) >= 4:
        mode, height = data[2:4]
        start, count, size, width = 4, 512 if mode & PSF1_512 else 256, height, 8
        read_table = psf1_table if mode & PSF1_HAS_TABLE else None
    elif data[:4] == PSF2_MAGIC and len(data) >= 32:
        _version, start, flags, count, size, height, width = struct.unpack("<7I", data[4:32])
        read_table = psf2_table if flags & PSF2_HAS_TABLE else None
    else:
        raise FontError("it is no PSF font")
    end = start + count * size
    if not count or size != height * ((width + 7) // 8) or end > len(data):
        raise FontError("its header does not fit its length")
    glyphs = [data[at : at + size] for at in range(start, end, size)]
    characters = read_table(data[end:]) if read_table else {n: n for n in range(count)}
    return width, height, glyphs, characters


def ascii_glyphs(data):
    width, height, glyphs, characters = read_font(data)
    if (width, height) != (WIDTH, HEIGHT):
        raise FontError(f"its characters are {width}x{height}, and {WIDTH}x{HEIGHT} is needed")
    wanted = range(FIRST, LAST + 1)
    missing = [chr(c) for c in wanted if characters.get(c, len(glyphs)) >= len(glyphs)]
    if missing:
        raise FontError("it lacks " + " ".join(missing))
    return b"".join(glyphs[characters[c]] for c in wanted)


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    source, output = sys.argv[1:]
    try:
        with open(source, "rb") as file:
            data = file.read()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        glyphs = ascii_glyphs(data)
        with open(output, "wb") as file:
            file.write(glyphs)
    except FileNotFoundError:
        print(
            f"{source} is missing: it is in Debian's psf-unifont, which tools/setup run installs",
            file=sys.stderr,
        )
        return 1
    except (FontError, OSError, EOFError, UnicodeDecodeError) as error:
        print(f"{source} cannot be used: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

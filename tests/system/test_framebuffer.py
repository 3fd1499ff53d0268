"""The console on a framebuffer: screenshots are read back as text, by the font that Debian has."""

import gzip
import struct

import pytest

FONT = "/usr/share/consolefonts/Unifont-APL8x16.psf.gz"
WIDTH, HEIGHT = 8, 16  # pixels of a character
PLAIN, ERROR, RECORD = (0xC0, 0xC0, 0xC0), (0xFF, 0x60, 0x60), (0x60, 0xB0, 0xC0)
HALTED = "the machine is halted"
SHOT = ['screendump "screen.ppm"']
PAGE = "What this machine has. !x: missing, and needed; -x: missing; ?3: 3 not known;"


def glyphs():
    """The lines of each printable ASCII character, by PSF 1's table of what each glyph shows."""
    with gzip.open(FONT) as file:
        data = file.read()
    magic, mode, size = struct.unpack("<HBB", data[:4])
    assert (magic, size) == (0x0436, HEIGHT)
    count = 512 if mode & 1 else 256
    units = data[4 + count * size :]
    table = struct.unpack(f"<{len(units) // 2}H", units)
    found, glyph = {}, 0
    for unit in table:
        if unit == 0xFFFF:
            glyph += 1
        elif 0x20 <= unit <= 0x7E:
            found[chr(unit)] = tuple(data[4 + glyph * size : 4 + (glyph + 1) * size])
    assert len(found) == 95
    return found


class Screen:
    """A screenshot: its size, its rows of text, and in which colours each row is."""

    def __init__(self, path, scale=1):
        with open(path, "rb") as file:
            magic, size, most, self.pixels = file.read().split(b"\n", 3)
        assert (magic, most) == (b"P6", b"255")
        self.width, self.height = map(int, size.split())
        self.scale = scale
        by_lines = {lines: character for character, lines in glyphs().items()}
        self.rows, self.colours = [], []
        for row in range(self.height // (HEIGHT * scale)):
            cells = [self.cell(row, c) for c in range(self.width // (WIDTH * scale))]
            self.rows.append("".join(by_lines[lines] for lines, _ in cells).rstrip())
            self.colours.append({ink for _, ink in cells if ink})

    def pixel(self, x, y):
        at = (y * self.width + x) * 3
        return tuple(self.pixels[at : at + 3])

    def cell(self, row, column):
        """The lines of a character as the font has them, and the colour that is not the ground's.
        Each of its pixels is one of the two, and all of a larger one are the same."""
        lines, inks, scale = [], set(), self.scale
        for y in range(HEIGHT):
            line = 0
            for x in range(WIDTH):
                left, top = (column * WIDTH + x) * scale, (row * HEIGHT + y) * scale
                block = {self.pixel(left + i, top + j) for i in range(scale) for j in range(scale)}
                assert len(block) == 1
                pixel = block.pop()
                line = line << 1 | (pixel != (0, 0, 0))
                inks |= {pixel} - {(0, 0, 0)}
            lines.append(line)
        assert len(inks) <= 1
        return tuple(lines), inks.pop() if inks else None


def wrapped(lines, columns):
    """The rows that these lines take on a screen."""
    return [
        line[at : at + columns].rstrip()
        for line in lines
        for at in range(0, max(len(line), 1), columns)
    ]


def said(result):
    """What the hypervisor itself said on COM1."""
    lines = result.console.rstrip("\n").splitlines()
    return lines[next(i for i, line in enumerate(lines) if line.startswith("Resident ")) :]


UEFI = {"machine": "tcg", "firmware": "uefi", "opts": "panic=halt", "until": HALTED, "timeout": 120}


@pytest.fixture
def refusal(boot):
    result = boot(**UEFI, commands=SHOT)
    return result, Screen(f"{result.work}/screen.ppm")


def test_under_uefi_the_screen_shows_what_com1_does(refusal):
    result, screen = refusal
    expected = wrapped(said(result), screen.width // WIDTH)
    assert any("this machine has no VMX" in line for line in said(result))
    assert screen.rows[: len(expected)] == expected
    assert not any(screen.rows[len(expected) :])
    # what GRUB says where no framebuffer is asked for
    assert "no console will be available" not in result.console


def test_an_error_is_red_and_a_record_not_as_bright_as_text(refusal):
    result, screen = refusal
    columns = screen.width // WIDTH
    expected = [
        ERROR if line.startswith("ERROR: ") else RECORD if line.startswith("@") else PLAIN
        for line in said(result)
        for _ in wrapped([line], columns)
    ]
    assert {ERROR, RECORD, PLAIN} == set(expected)
    assert [colour.pop() for colour in screen.colours if colour] == expected


def test_nothing_is_drawn_beside_the_characters(refusal):
    _, screen = refusal
    used = screen.height // HEIGHT * HEIGHT
    assert not any(screen.pixels[used * screen.width * 3 :])


@pytest.mark.parametrize("mode", ["1024x768x16", "800x600x24", "1280x720x32"])
def test_a_bios_shows_it_in_each_depth(boot, mode):
    result = boot(
        machine="tcg",
        screen=mode,
        opts="panic=halt",
        until=HALTED,
        timeout=60,
        commands=SHOT,
    )
    width, height, depth = map(int, mode.split("x"))
    screen = Screen(f"{result.work}/screen.ppm")
    assert (screen.width, screen.height) == (width, height)
    expected = wrapped(said(result), width // WIDTH)
    assert screen.rows[: len(expected)] == expected
    red = next(c for row, c in zip(screen.rows, screen.colours) if row.startswith("ERROR")).pop()
    lost = (3, 2, 3) if depth == 16 else (0, 0, 0)  # bits, which QEMU fills up in its own way
    assert all(a >> n == b >> n for a, b, n in zip(red, ERROR, lost))


def test_the_doctors_page_is_on_it(boot):
    """The last rows, down to where the machine halts, are the page and what follows it."""
    result = boot(**{**UEFI, "opts": "doctor panic=halt"}, commands=SHOT)
    screen = Screen(f"{result.work}/screen.ppm")
    told = said(result)
    page = told[told.index(PAGE) :]
    labels = {line.split()[0] for line in page if not line.startswith(" ")}
    assert {"needs", "uses", "time", "fpu", "spec", "pc", "left", "do", "Resident"} <= labels
    shown = [row for row in screen.rows if row]
    expected = wrapped(page, screen.width // WIDTH)
    assert shown[-len(expected) :] == expected
    # the page is made for text screens of 25 rows, and this one has more
    assert len(expected) < 25 < len(screen.rows)


@pytest.mark.parametrize(
    "where, scrolls",
    [
        pytest.param({"firmware": "uefi"}, False, marks=pytest.mark.nightly),
        ({"screen": "320x200x32"}, True),
    ],
)
def test_after_a_panic_the_text_stays_and_its_end_is_seen(boot, where, scrolls):
    """QEMU has no VMX, so it is refused first, and a machine check comes while it is halted."""
    result = boot(
        machine="tcg",
        opts="panic=halt",
        monitor=[(HALTED, "mce 0 1 0xb200000000000005 0x4 0 0")],
        until=r"backtrace:(?s:.*)" + HALTED,
        timeout=120,
        commands=SHOT,
        **where,
    )
    screen = Screen(f"{result.work}/screen.ppm")
    rows = screen.height // HEIGHT
    # the row after the last line is the next one's
    expected = [*wrapped(said(result), screen.width // WIDTH), ""]
    assert any(row.startswith("ERROR: fault in the hypervisor") for row in expected)
    assert (len(expected) > rows) == scrolls
    assert screen.rows == expected[-rows:] + [""] * (rows - len(expected))

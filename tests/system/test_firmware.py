"""What a guest finds of a PC's firmware, and what comes of calling it."""

import pytest

BITS = ["", "32"]


def run(boot, words, bits="", options=""):
    return boot(modules=[(f"firmware{bits}", f"name=g mem=4M halt=ok {options}-- {words}")])


def ended(result, name="g"):
    record = result.one("vm", name=name, state="ended")
    return record["status"], record["cause"]


def complaint(result, name):
    start = f"ERROR: {name}: ended:"
    lines = [line for line in result.console.splitlines() if line.startswith(start)]
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize("bits", BITS)
def test_low_memory_and_the_map_are_a_pcs(boot, bits):
    result = run(boot, "table", bits)
    checks = ("vectors", "data-area", "memory-map", "mp-table", "acpi-tables")
    assert result.lines("g")[:5] == [f"PASS {check}" for check in checks]
    assert result.status == 0


def test_a_command_line_begins_with_the_name_if_that_is_asked_for(boot):
    result = boot(
        modules=[
            ("firmware", "name=g mem=2M argv0=on -- words x=1"),
            ("firmware", "name=h mem=2M -- words x=1"),
        ]
    )
    assert result.lines("g") == ["word 0: g", "word 1: words", "word 2: x=1"]
    assert result.lines("h") == ["word 0: words", "word 1: x=1"]
    assert result.status == 0


CALLS = {
    "int vector=16 eax=3649": "called BIOS INT 10h AX=0E41h (video: write a character)",
    "int vector=21 eax=59424": "called BIOS INT 15h AX=E820h (system services: memory map)",
    "int vector=19 eax=513": "called BIOS INT 13h AX=0201h (disk: read sectors)",
    "int vector=6": "called BIOS INT 06h",
    "int vector=255": "called BIOS INT FFh",
    "int vector=8": "called BIOS INT 08h",
    "far-call vector=26 eax=512": "called BIOS INT 1Ah AX=0200h (clock: read the clock)",
    "undefined": "exception 6 (#UD) in real mode at 0000:80A0",
    "divide": "exception 0 (#DE) in real mode at 0000:80B2",
    "timer vector=97": "interrupt 61h in real mode",
    "timer vector=112": "interrupt 70h (IRQ 8) in real mode",
    "timer vector=2": "exception 2 (NMI) in real mode",
}


@pytest.fixture(params=BITS)
def calls(request, boot):
    """One VM for each call, named by its number."""
    return boot(
        modules=[
            (f"firmware{request.param}", f"name=g{number} mem=2M halt=ok -- {words}")
            for number, words in enumerate(CALLS)
        ]
    )


@pytest.mark.parametrize("words", CALLS)
def test_what_was_wanted_of_the_bios_ends_the_vm_by_name(calls, words):
    name = f"g{list(CALLS).index(words)}"
    assert ended(calls, name) == ("1", "bios-call")
    assert CALLS[words] in complaint(calls, name)
    assert calls.status == 1


def test_a_guest_that_runs_beside_it_does_not_notice(boot):
    result = boot(
        modules=[
            ("firmware", "name=g mem=4M -- int vector=16"),
            ("fpu-hold", "name=hold mem=8M -- seed=9 rounds=12"),
        ]
    )
    assert ended(result) == ("1", "bios-call")
    assert result.one("vm", name="hold", state="ended")["status"] == "0"


HANDLED = ["int vector=16", "far-call vector=26", "timer vector=97", "int vector=255"]


@pytest.mark.parametrize("bits", BITS)
def test_a_handler_of_the_guests_own_is_what_runs(boot, bits):
    result = boot(
        modules=[
            (f"firmware{bits}", f"name=g{number} mem=2M -- {words} handler")
            for number, words in enumerate(HANDLED)
        ]
    )
    for number in range(len(HANDLED)):
        assert ended(result, f"g{number}") == ("0", "exit-port")
    assert result.status == 0


@pytest.mark.parametrize("bits", BITS)
def test_the_firmware_counts_ticks_if_interrupt_0_is_let_through(boot, bits):
    result = boot(
        modules=[
            (f"firmware{bits}", "name=g mem=2M irq0=on -- tick"),
            (f"firmware{bits}", "name=h mem=2M halt=ok -- tick"),
        ]
    )
    assert ended(result) == ("0", "exit-port")
    assert ended(result, "h") == ("0", "halted")


@pytest.mark.parametrize("bits", BITS)
def test_the_reset_vector_resets_and_all_is_there_anew(boot, bits):
    result = run(boot, "reset", bits)
    assert len(result.all("vm", name="g", state="reset")) == 1
    assert any("pass=5 fail=0" in line for line in result.lines("g"))
    assert ended(result) == ("0", "exit-port")


@pytest.mark.parametrize("bits", BITS)
def test_a_silent_end_has_a_hint(boot, bits):
    result = run(boot, "silent", bits, "runs=2 ")
    hint = "warning: g: it never printed anything: COM1 is at 3F8h, the screen at B8000h"
    assert result.console.count(hint) == 2
    assert result.status == 0


def test_a_guest_that_wrote_to_the_screen_has_printed(boot):
    result = run(boot, "silent screen")
    assert "never printed" not in result.console
    assert result.status == 0


def test_who_printed_and_then_halts_needs_no_hint(boot):
    result = boot(modules=[("bad", "name=g mem=4M -- halt")])
    assert ended(result) == ("1", "halted")
    assert "never printed" not in result.console

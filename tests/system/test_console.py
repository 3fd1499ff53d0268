"""Consoles and boot options."""

import re

GUEST = [("integer", "name=a mem=4M -- rounds=2")]
SCREEN = 0xB8000


def test_the_vga_text_screen_shows_the_messages(boot):
    result = boot(
        machine="tcg",
        opts="panic=halt",
        until=r"panic=halt: the machine is halted",
        commands=[f'pmemsave {SCREEN:#x} 4000 "screen"'],
    )
    with open(f"{result.work}/screen", "rb") as file:
        cells = file.read()[::2].decode("latin-1")
    rows = [cells[i : i + 80].rstrip() for i in range(0, len(cells), 80)]
    assert any(row.startswith("Resident ") for row in rows), rows
    assert any("this machine has no VMX" in row for row in rows), rows


def test_port_e9_is_a_console(boot):
    """Bochs copies port 0xE9 to its own output."""
    result = boot(opts="console=com1+e9", modules=GUEST)
    assert result.status == 0
    with open(f"{result.work}/emulator.out", encoding="latin-1") as file:
        copied = file.read()
    assert "@vm name=a state=ended" in copied
    assert "@vm name=a state=ended" in result.console


def test_an_unknown_option_and_a_bad_value_are_warned_of_with_what_is_accepted(boot):
    result = boot(opts="fpu=lasy frobnicate=1 slice=5", modules=GUEST)
    warnings = [line for line in result.console.splitlines() if line.startswith("warning:")]
    assert any("fpu" in line and "lazy, scrub, eager" in line for line in warnings), warnings
    assert any("frobnicate" in line and "slice" in line for line in warnings), warnings
    assert any("slice" in line and "100" in line for line in warnings), warnings
    assert result.status == 0


def test_stats_off_leaves_out_the_table_and_keeps_the_records(boot):
    result = boot(opts="stats=off", modules=GUEST)
    assert "FPU ownership" not in result.console
    assert result.all("fpu", cpu=0)


def test_lazy_with_several_trust_domains_is_warned_of_on_an_affected_cpu(boot):
    guests = [("integer", "name=a mem=4M -- rounds=2"), ("integer", "name=b mem=4M -- rounds=2")]
    shared = [(file, words.replace("mem=", "trust=x mem=")) for file, words in guests]
    for policy in ("lazy", "unload"):
        assert f"fpu={policy} with guests" in boot(modules=guests, opts=f"fpu={policy}").console
        assert "CVE-2018-3665" not in boot(modules=shared, opts=f"fpu={policy}").console
    for policy in ("scrub", "eager", "swap", "auto"):
        assert "CVE-2018-3665" not in boot(modules=guests, opts=f"fpu={policy}").console


def test_no_guests_is_an_error_that_says_what_to_do(boot):
    result = boot()
    assert result.status == 1
    assert re.search(r"ERROR: there are no guests: .*module2", result.console)

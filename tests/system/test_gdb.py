"""Debian's gdb debugs a guest over COM2: docs/gdb.md."""

import re
import shutil

import pytest
from booting import bochs
from debugging import debug, gdb

pytestmark = pytest.mark.skipif(shutil.which("gdb") is None, reason="gdb is not installed")


def module(words="", options="", file="debuggee", name="a"):
    return (file, f"name={name} mem=8M {options} -- {words}")


@pytest.mark.parametrize("bits", ["", "32"])
def test_gdb_attaches_stops_at_a_breakpoint_and_reads(tmp_path, bits):
    guest = f"debuggee{bits}"
    result = debug(
        str(tmp_path),
        gdb(
            guest,
            [
                "p $pc == &start",
                "x/i $pc",
                "break stop_here",
                "continue",
                "info symbol $pc",
                "x/2xb &stop_here",
                "bt 2",
                "p ((long (*)(long, long)) add)(2, 3)",
                "delete",
                "continue",
            ],
        ),
        [module(file=guest)],
    )
    said = result.said
    assert "$1 = 1" in said and "cli" in said
    assert "Breakpoint 1, 0x" in said and "stop_here in section .text" in said
    assert "0xcc" not in said  # the breakpoint is not to be seen
    assert "$2 = 5" in said
    assert bits or "guest_main" in said  # of 32-bit code without frame pointers gdb knows no caller
    assert "exited normally" in said
    assert result.boot.status == 0
    assert not re.search("FAIL", result.boot.console)

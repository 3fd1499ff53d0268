"""Without VMX (QEMU without KVM) Resident says once what is missing and what to do: status 1."""

import re

import pytest

WAYS = {
    "bios": {"firmware": "bios"},
    "uefi": {"firmware": "uefi"},
    "multiboot1": {"protocol": 1},
    "qemu-kernel": {"method": "kernel"},
}


@pytest.fixture(params=WAYS)
def refused(request, boot):
    return boot(machine="tcg", timeout=120, **WAYS[request.param])


def test_ends_with_status_1(refused):
    assert refused.why == "ended"
    assert refused.status == 1
    assert refused.message == ""
    assert refused.one("end")["status"] == "1"


def test_boot_record_says_that_there_is_no_vmx(refused):
    assert refused.one("boot")["vmx"] == "0"


def test_refuses_once_naming_vmx_and_what_to_do(refused):
    lines = [
        line
        for line in refused.console.splitlines()
        if re.search(r"VMX|VT-x", line) and not line.startswith("@")
    ]
    assert len(lines) == 1, lines
    assert re.search(r"enable|use|choose|needs|run", lines[0], re.I), lines[0]


def test_starts_no_guest(refused):
    assert refused.all("vm") == []


def test_a_cpu_without_64_bit_mode_is_told_so(boot):
    result = boot(machine="tcg", cpu="qemu32", until=r"no 64-bit mode.*needed", timeout=60)
    assert result.why == "until"

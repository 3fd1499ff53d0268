"""VMs from module lines: what is accepted, what is refused, and with which words."""

import os
import subprocess

import pytest
from booting import BUILD

# A multiboot 1 kernel as a stranger would write it, with nothing of this project's in it.
FOREIGN = r"""
	.section .text
	.balign 4
	.long 0x1BADB002, 0, -0x1BADB002
	.globl _start
_start:	mov $stack, %esp
	mov $0x3f8, %dx
	mov $text, %esi
1:	lodsb
	test %al, %al
	jz 2f
	mov %al, %cl
3:	mov $0x3fd, %dx
	in %dx, %al
	test $0x20, %al
	jz 3b
	mov $0x3f8, %dx
	mov %cl, %al
	out %al, %dx
	jmp 1b
2:	movw $0x0248, 0xb8000
	cli
	hlt
	.data
text:	.asciz "Hello from a kernel that knows nothing of Resident\n"
	.bss
	.skip 4096
stack:
"""


# Counts its starts in memory outside of its image, and in its image, and resets itself at the first
# two by the port and value that the command line of the assembler names. Ends with status
# 16 * (starts by its image's count) + (starts by memory's count).
RESETTING = r"""
	.section .text
	.balign 4
	.long 0x1BADB002, 0, -0x1BADB002
	.globl _start
_start:	incb 0x300000
	incb count
	mov $0x11223344, %ebp		# a register that a reset must clear
	cmpb $3, 0x300000
	je 1f
	mov $PORT, %dx
	mov $VALUE, %al
	out %al, %dx
	mov $0xee, %al			# not reached
	out %al, $0xf4
1:	mov count, %al
	shl $4, %al
	or 0x300000, %al
	out %al, $0xf4
	.data
count:	.byte 0
"""


def assemble(directory, name, text, *words):
    source, kernel = directory / f"{name}.s", directory / f"{name}.elf"
    source.write_text(text)
    subprocess.run(["as", "--32", *words, "-o", directory / f"{name}.o", source], check=True)
    subprocess.run(
        ["ld", "-m", "elf_i386", "-Ttext=0x100000", "-o", kernel, directory / f"{name}.o"],
        check=True,
    )
    return str(kernel)


@pytest.fixture(scope="session")
def foreign(tmp_path_factory):
    return assemble(tmp_path_factory.mktemp("foreign"), "hello", FOREIGN)


def test_a_foreign_multiboot_kernel_runs(boot, foreign):
    result = boot(modules=[(foreign, "name=hello halt=ok")])
    assert result.lines("hello") == ["Hello from a kernel that knows nothing of Resident", "H"]
    assert result.one("vm", name="hello", state="ended")["cause"] == "halted"
    assert result.status == 0


def test_a_halt_for_ever_is_a_failure_unless_the_module_line_says_it_is_fine(boot, foreign):
    assert boot(modules=[(foreign, "name=hello")]).status == 1


@pytest.mark.parametrize(
    "words, message",
    [
        ("name=a mem=8G", "is more than there is"),
        ("name=a mem=lots", "mem"),
        ("name=a vcpus=17", "vcpus=17: accepted are 1 to 16"),
        ("name=a cpus=3", "cpus= names no physical CPU that runs"),
        ("name=a colour=red", "colour"),
        ("name=a mem=1M", "its kernel: "),
    ],
)
def test_a_vm_that_cannot_be_made_is_refused_by_name_and_the_others_run(boot, words, message):
    result = boot(modules=[("integer", words + " -- rounds=2"), ("integer", "name=b -- rounds=2")])
    refused = [line for line in result.console.splitlines() if "not started: " in line]
    assert len(refused) == 1 and message in refused[0], refused
    assert result.all("vm", cause="refused")
    assert result.one("vm", name="b", state="ended")["status"] == "0"
    assert result.status == 1


def test_two_vms_of_one_name_get_different_ones(boot):
    result = boot(modules=[("integer", "name=a -- rounds=2"), ("integer", "name=a -- rounds=2")])
    names = [record["name"] for record in result.all("vm", state="started")]
    assert len(set(names)) == 2
    assert result.status == 0


def test_a_module_for_a_vm_that_is_not_there_is_an_error(boot):
    result = boot(modules=[("integer", "name=a -- rounds=2"), ("integer", "of=b")])
    assert "of=b" in result.console
    assert result.status == 1


def test_one_vm_too_many_is_left_out_and_said(boot):
    ends_at_once = [("hostile", f"name=g{n} mem=2M -- again") for n in range(65)]
    result = boot(modules=[*ends_at_once, ("integer", "of=g63 -- a module, and no VM")])
    assert "there are 64 VMs: one more is left out: g64" in result.console
    assert len(result.all("vm", state="ended", status=0)) == 64
    assert not result.all("vm", name="g64")
    assert "of=" not in result.console
    assert result.status == 1


def test_a_guest_is_mapped_by_large_pages_as_far_as_they_reach(boot):
    """1-GiB pages need more memory than Bochs has: tests/unit/test_ept.c has them."""
    result = boot(modules=[("integer", "name=a mem=9M -- rounds=2")])
    assert result.status == 0
    record = result.one("ept", vm="a")
    assert [record.number(f"pages_{size}") for size in ("1g", "2m", "4k")] == [0, 4, 256]


def test_the_image_of_make_is_what_qemu_and_grub_take():
    for file in ("resident.elf", "resident32.elf"):
        path = os.path.join(BUILD, file)
        for kind in ("--is-x86-multiboot", "--is-x86-multiboot2"):
            subprocess.run(["grub-file", kind, path], check=True)


@pytest.mark.parametrize("port, value", [("0xcf9", "0x06"), ("0x64", "0xfe")])
def test_a_reset_starts_the_kernel_again_and_keeps_other_memory(boot, tmp_path, port, value):
    words = ("--defsym", f"PORT={port}", "--defsym", f"VALUE={value}")
    kernel = assemble(tmp_path, "resetting", RESETTING, *words)
    result = boot(modules=[(kernel, "name=g mem=4M")])
    assert len(result.all("vm", name="g", state="reset")) == 2
    assert result.one("vm", name="g", state="ended")["status"] == str(16 * 1 + 3)
    assert len(result.all("vm", name="g", state="started")) == 1


def test_a_vm_with_several_runs_is_made_anew_each_time(boot):
    result = boot(
        modules=[
            ("integer", "name=g mem=4M runs=3 -- rounds=2"),
            ("integer", "name=h mem=4M -- rounds=2"),
        ]
    )
    assert result.status == 0
    for state in ("started", "ended", "cleared"):
        assert len(result.all("vm", name="g", state=state)) == 3
    ran = [record.number("entries") for record in result.all("fpuctx", vm="g")]
    assert len(ran) == 3
    # every entry belongs to one of the runs
    everything = result.one("fpu", cpu=0).number("entries")
    assert everything == sum(ran) + result.one("fpuctx", vm="h").number("entries")


def test_one_failed_run_of_several_is_a_failure(boot, tmp_path):
    """The second run: its memory is clear again, and it ends as the first one did."""
    text = RESETTING.replace("cmpb $3, 0x300000", "cmpb $1, 0x300000")
    kernel = assemble(tmp_path, "once", text, "--defsym", "PORT=0xcf9", "--defsym", "VALUE=6")
    result = boot(modules=[(kernel, "name=g mem=4M runs=2")])
    assert [r["status"] for r in result.all("vm", name="g", state="ended")] == ["17", "17"]
    assert result.status == 1


# Selects PCI functions as configuration mechanism 1 does, some with bit 2 of the second byte set.
PCI_SCAN = r"""
	.section .text
	.balign 4
	.long 0x1BADB002, 0, -0x1BADB002
	.globl _start
_start:	mov $0xcf8, %dx
	mov $0x80000000, %eax
1:	out %eax, %dx
	add $0x100, %eax
	cmp $0x80001000, %eax
	jne 1b
	xor %al, %al
	out %al, $0xf4
"""


def test_a_dword_that_covers_the_reset_port_is_no_reset(boot, tmp_path):
    result = boot(modules=[(assemble(tmp_path, "scan", PCI_SCAN), "name=g mem=4M limit=50")])
    assert result.status == 0
    assert not result.all("vm", name="g", state="reset")


def test_a_guest_that_resets_for_ever_keeps_nobody_from_starting_and_has_its_limit(boot, tmp_path):
    text = RESETTING.replace("je 1f", "nop; nop")
    kernel = assemble(tmp_path, "storm", text, "--defsym", "PORT=0xcf9", "--defsym", "VALUE=6")
    result = boot(
        modules=[
            (kernel, "name=g mem=4M limit=50"),
            ("integer", "name=h mem=4M runs=2 -- rounds=2"),
        ]
    )
    events = [(r["name"], r["state"]) for r in result.all("vm") if r["state"] != "reset"]
    assert events.index(("h", "started")) < events.index(("g", "ended"))
    assert result.one("vm", name="g", state="ended")["cause"] == "limit"
    assert len(result.all("vm", name="h", status="0", state="ended")) == 2
    assert len(result.all("vm", name="g", state="reset")) > 5

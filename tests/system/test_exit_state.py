"""What a VM exit leaves that the host-state area does not say: GDTR and IDTR with limits of FFFFh
(SDM Vol. 3C 27.5.2). Nothing in root mode may rely on a smaller one."""

import os
import re
import subprocess

from booting import BUILD

RESIDENT = os.path.join(BUILD, "resident.elf")

READS_A_DESCRIPTOR = re.compile(
    r"mov +%\w+,%[c-gs]s$|pop +%[d-gs]s$|l[c-gs]s |lj?mp +\*?\$?0x|ljmp|lcall|lret|iret|ltr|lldt"
)
ONCE_A_CPU = {"start32", "ap_protected_mode", "start64", "enter_long_mode", "cpu_enter"}
IRET = {"vector_common"}  # to the code segment that it came from, which is in the table


def output_of(*command):
    return subprocess.run(
        [*command, RESIDENT], check=True, capture_output=True, text=True
    ).stdout


def test_no_selector_is_loaded_after_the_start_of_a_cpu():
    found, function = set(), None
    for line in output_of("objdump", "-d", "--no-show-raw-insn").splitlines():
        if start := re.match(r"[0-9a-f]+ <(\w+)", line):
            function = start[1]
        elif (text := line.partition("\t")[2]) and READS_A_DESCRIPTOR.match(text.strip()):
            found.add(function)
    assert {"start64", "cpu_enter"} | IRET <= found <= ONCE_A_CPU | IRET


def test_the_idt_has_a_gate_for_every_vector():
    sizes = re.findall(r"^[0-9a-f]+ ([0-9a-f]+) [bB] idt$", output_of("nm", "-S"), re.M)
    assert [int(size, 16) for size in sizes] == [256 * 16]


def test_before_a_reset_every_cpu_leaves_vmx_operation():
    """In it INIT signals are blocked (SDM Vol. 3C 23.8), and to some chipsets a reset is one."""
    code = {}
    for line in output_of("objdump", "-d", "--no-show-raw-insn").splitlines():
        if start := re.match(r"[0-9a-f]+ <(\w+)", line):
            function = code.setdefault(start[1], [])
        elif instruction := re.match(r" *([0-9a-f]+):\t(.+)", line):
            function.append((int(instruction[1], 16), instruction[2].split()))
    stop = [words[0] for _, words in code["stop"]]
    assert stop.index("vmxoff") < stop.index("hlt")
    # it comes back to the three ways to a reset, the last of which is a triple fault
    [reset] = [
        lines
        for name, lines in code.items()
        if name != "stop" and any(words[0] == "vmxoff" for _, words in lines)
    ]
    at = [words[0] for _, words in reset].index("vmxoff")
    assert reset[at + 1][1][0] == "jmp"
    back = int(reset[at + 1][1][1], 16)
    names = [words[0] for address, words in reset if address >= back]
    assert names[: names.index("lidt")].count("out") == 3

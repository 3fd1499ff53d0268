"""MACHINE=kvm: what is said where it cannot be, and the machines that it is right for. This host need
have no KVM: hosts are made up, and QEMU without KVM shows how far each machine's boot comes."""

import os
import re

import emulator
import machine
import pytest
from emulator import Direct, Emulator
from iso import Module
from kvm_host import Host
from machine import Machine, MachineError

INTEL = "vendor_id\t: GenuineIntel\nflags\t\t: fpu vme{}\n"
AMD = "vendor_id\t: AuthenticAMD\nflags\t\t: fpu svm\n"
PARAMETERS = "sys/module/kvm_intel/parameters/"


class Made:
    """A host that can, until something is taken away."""

    def __init__(self, root):
        self.root, self.rights = str(root), True
        self.write("proc/cpuinfo", INTEL.format(" vmx"))
        for name in ("nested", "ept", "unrestricted_guest"):
            self.write(PARAMETERS + name, "Y\n")
        self.write("dev/kvm", "")

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text)

    def wrong(self):
        return Host(self.root, lambda path, mode: self.rights and os.access(path, mode)).wrong()


@pytest.fixture
def host(tmp_path):
    return Made(tmp_path)


def test_a_host_that_can_has_nothing_wrong(host):
    assert host.wrong() == []
    host.write(PARAMETERS + "nested", "1\n")  # as Linux before 5.0 says it
    assert host.wrong() == []


@pytest.mark.parametrize(
    "cpu, words",
    [
        (AMD, r"AuthenticAMD.*has no VMX.*host with an Intel CPU"),
        ("processor : 0\nCPU implementer : 0x41\n", r"no x86 one.*has no VMX"),
        (INTEL.format(""), r"VT-x is switched off.*BIOS or UEFI setup"),
        (INTEL.format(" hypervisor"), r"virtual machine itself.*switched on there"),
    ],
)
def test_a_cpu_that_has_no_vmx_is_told_alone(host, cpu, words):
    host.write("proc/cpuinfo", cpu)
    os.remove(host.path("dev/kvm"))
    (told,) = host.wrong()
    assert re.search(words, told), told


def test_a_module_that_is_not_loaded_is_told_with_its_command(host):
    for name in ("nested", "ept", "unrestricted_guest"):
        os.remove(host.path(PARAMETERS + name))
    os.removedirs(host.path(PARAMETERS))
    (told,) = host.wrong()
    assert "modprobe kvm_intel nested=1" in told


@pytest.mark.parametrize("off", [["nested"], ["ept", "unrestricted_guest"]])
def test_parameters_that_are_off_are_named_with_their_command(host, off):
    for name in off:
        host.write(PARAMETERS + name, "N\n")
    options = " ".join(f"{name}=1" for name in off)
    (told,) = host.wrong()
    assert f"modprobe -r kvm_intel && modprobe kvm_intel {options}" in told
    assert f'echo "options kvm_intel {options}" > /etc/modprobe.d/' in told


def test_a_device_that_is_missing_or_closed_is_told_beside_the_module(host):
    host.write(PARAMETERS + "nested", "N\n")
    host.rights = False
    module, device = host.wrong()
    assert "nested=1" in module
    assert re.search(r"may not read and write /dev/kvm: sudo usermod -aG \S+ \$USER", device)
    os.remove(host.path("dev/kvm"))
    assert "there is no /dev/kvm" in host.wrong()[1]


def on_a_host(monkeypatch, made):
    monkeypatch.setattr(machine, "Host", lambda: made)


def test_machine_kvm_is_refused_with_all_that_is_wrong_and_is_no_default_then(monkeypatch, host):
    on_a_host(monkeypatch, host)
    assert machine.default_kind() == "kvm"
    assert str(Machine("kvm")) == "QEMU/KVM (BIOS, host, 1 CPU, 256 MiB)"
    host.write(PARAMETERS + "nested", "N\n")
    assert machine.default_kind() == "bochs"
    with pytest.raises(MachineError, match="no VMX here: .*nested=1.*MACHINE=bochs works"):
        Machine("kvm")


def option(command, name):
    return command[command.index(name) + 1]


@pytest.mark.parametrize("chipset", ["", "pc", "q35"])
@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_qemu_is_started_on_kvm_with_the_hosts_cpu(monkeypatch, host, tmp_path, chipset, firmware):
    on_a_host(monkeypatch, host)
    target = Machine("kvm", firmware, 2, chipset=chipset)
    command = Emulator(target, str(tmp_path), "x.iso").qemu_command()
    assert option(command, "-accel") == "kvm"
    assert option(command, "-cpu") == "host"
    assert option(command, "-machine") == (chipset or "pc")
    assert option(command, "-smp") == "2"
    assert option(command, "-cdrom") == os.path.abspath("x.iso")
    assert ("-bios" in command) == (firmware == "uefi")
    if firmware == "uefi":
        assert option(command, "-bios") == emulator.OVMF


def test_qemus_kernel_has_the_modules_with_their_lines(monkeypatch, host, tmp_path):
    on_a_host(monkeypatch, host)
    medium = Direct("r.elf", "fpu=lazy", (Module("a.elf", "name=a,b -- x"), Module("c.elf", "")))
    command = Emulator(Machine("kvm", chipset="q35"), str(tmp_path), medium).qemu_command()
    assert option(command, "-kernel") == os.path.abspath("r.elf")
    assert option(command, "-append") == "fpu=lazy"
    first, second = os.path.abspath("a.elf"), os.path.abspath("c.elf")
    assert option(command, "-initrd") == f"{first} name=a,,b -- x,{second}"
    with pytest.raises(MachineError, match="only a BIOS"):
        Emulator(Machine("kvm", "uefi"), str(tmp_path), medium).qemu_command()


@pytest.mark.parametrize(
    "firmware, method", [("bios", "iso"), ("bios", "kernel"), ("uefi", "iso")]
)
def test_q35_boots_to_the_refusal_that_says_what_to_do(boot, firmware, method):
    guests = [("fpu-hold", "name=a -- seed=1"), ("integer", "name=c -- rounds=99")]
    result = boot(machine="tcg", chipset="q35", firmware=firmware, method=method, modules=guests)
    assert result.status == 1
    assert "this machine has no VMX" in result.console
    assert "kvm_intel nested=1" in result.console
    record = result.one("boot")
    assert (record["machine"], record["firmware"]) == ("tcg", firmware)

"""A guest of ours, or Resident itself, under Linux's KVM, on Bochs: Debian's kernel and busybox, which tools/setup has
unpacked in build/debian/peer, its KVM modules, and the launcher of tests/peer, in one ISO."""

import os
import re
import shlex
import shutil
import tempfile
import time
from dataclasses import dataclass

from boot import BUILD, ROOT
from emulator import Emulator
from initrd import Unpacked, pack, run
from iso import make_iso_of_tree
from machine import Machine
from records import plain, records

LINUX = Unpacked("peer")
LAUNCHER = os.path.join(BUILD, "peer/launcher")
INIT = os.path.join(ROOT, "tests/peer/init")
MODULES, MODULE_OPTIONS = "kvm-intel", "nested=1"  # and what it depends on
# On Bochs 3.1 Linux does not boot (tools/defects.py: idiv-64), nor on its default model, where it
# finds a "misordered xstate".
WHICH, CPU, MEBIBYTES = "trixie", "corei7_haswell_4770", 512
TIMEOUT = 900
QEMU, QEMU_SHARE = "/usr/bin/qemu-system-x86_64", "/usr/share/qemu/"
QEMU_FILES = ("qboot.rom", "kvmvapic.bin", "multiboot.bin", "multiboot_dma.bin", "linuxboot_dma.bin")
STARTS, END = "@peer starts\n", "@peer end"

# What makes it fast. Nothing but `mitigations=off` touches the way from exit to entry.
KERNEL_OPTIONS = (
    "console=ttyS0 quiet tsc=reliable no_timer_check nokaslr init_on_alloc=0 cryptomgr.notests "
    "rcupdate.rcu_expedited=1 audit=0 random.trust_cpu=on selinux=0 apparmor=0 panic=-1"
)
ONE_CPU = "nosmp acpi=off pci=off"  # with several, ACPI tells of the others


class PeerError(Exception):
    """Linux or its guest did not come to their end; the text says what they said."""


def there(file):
    """Where a file is in Linux: what is the system's at its own place."""
    return file if file.startswith(("/usr/", "/lib")) else f"/{os.path.basename(file)}"


def libraries(program):
    """That a program of this system is linked with, its loader among them."""
    return re.findall(r"(/\S+) \(0x", run("ldd", program))


@dataclass(frozen=True)
class Launch:
    """A machine of KVM's: a kernel, an ELF file with its command line, and modules as pairs of a
    file and the line after its name."""

    kernel: str
    words: str = ""
    modules: tuple = ()
    cpus: int = 1

    @property
    def files(self):
        return [self.kernel, *(file for file, _ in self.modules)]

    @property
    def command(self):
        """Of a shell in Linux."""
        words = ["/launcher", "-c", str(self.cpus), there(self.kernel), *self.words.split()]
        for file, line in self.modules:
            words += [";", there(file), *line.split()]
        return shlex.join(words)


@dataclass(frozen=True)
class QemuLaunch(Launch):
    """The same by the QEMU of this system, on its machine `chipset`; the kernel is an ELF32. QEMU's
    status is twice the guest's, and 1 more."""

    chipset: str = "q35"

    @property
    def files(self):
        return [*super().files, QEMU, *(QEMU_SHARE + name for name in QEMU_FILES), *libraries(QEMU)]

    @property
    def command(self):
        modules = [f"{there(file)} {line}".replace(",", ",,") for file, line in self.modules]
        words = f"{QEMU} -accel kvm -cpu host -machine {self.chipset} -smp {self.cpus} -m 128"
        words += f" -nodefaults -display none -no-reboot -serial stdio -bios {QEMU_SHARE}qboot.rom"
        words += f" -device isa-debug-exit,iobase=0xf4,iosize=4 -kernel {there(self.kernel)}"
        initrd = ["-initrd", ",".join(modules)] if modules else []
        return shlex.join([*words.split(), "-append", self.words, *initrd])


@dataclass
class Ended:
    """What all guests of a boot printed, their exit statuses, and on what they ran, in full and in
    short."""

    console: str
    statuses: list
    where: str
    kvm: str  # as "KVM 6.1 on Bochs 3.0"

    @property
    def records(self):
        return [record for record in records(self.console) if record.kind != "peer"]

    @property
    def consoles(self):
        """What each machine of KVM's printed."""
        _, _, theirs = self.console.partition(STARTS)
        return re.split(r"^@peer status=.*\n", theirs, flags=re.M)[:-1]


def make_initrd(initrd, runs):
    tree = initrd + ".tree"
    for folder in ("bin", "dev", "proc"):
        os.makedirs(os.path.join(tree, folder))
    busybox = shutil.copy(LINUX.only("**/bin/busybox"), os.path.join(tree, "bin"))
    shutil.copy(INIT, tree)
    for file in {file for launch in runs for file in launch.files}:
        into = tree + there(file)
        os.makedirs(os.path.dirname(into), exist_ok=True)
        shutil.copy(file, into)
    run("strip", "-o", os.path.join(tree, "launcher"), LAUNCHER)
    order = []
    LINUX.add_module(MODULES, tree, order)
    modules = [f"{file} {MODULE_OPTIONS}" if file == MODULES + ".ko" else file for file in order]
    for name, lines in (("modules", modules), ("runs", [launch.command for launch in runs])):
        with open(os.path.join(tree, name), "w", encoding="ascii") as file:
            file.write("".join(f"{line}\n" for line in lines))
    pack(tree, initrd, busybox)
    shutil.rmtree(tree)


def make_linux_iso(iso, runs, options):
    tree = iso + ".tree"
    os.makedirs(os.path.join(tree, "boot"))
    shutil.copyfile(LINUX.only("boot/vmlinuz-*"), os.path.join(tree, "boot/vmlinuz"))
    make_initrd(os.path.join(tree, "boot/initrd"), runs)
    config = [
        "set timeout=0",
        f"linux /boot/vmlinuz {KERNEL_OPTIONS} {options}",
        "initrd /boot/initrd",
        "boot",
        "",
    ]
    make_iso_of_tree(iso, tree, "\n".join(config), "linux")
    shutil.rmtree(tree)


def run_under_kvm(runs, options="", timeout=TIMEOUT, cpus=1, ips=0):
    """Boots Linux with these options on so many CPUs, and has its KVM run these Launches one after
    the other. Linux reads MSRs that Bochs lacks."""
    run("make", "--no-print-directory", "-s", "peer", cwd=ROOT)
    machine = Machine(cpus=cpus, memory=MEBIBYTES, cpu=CPU, which=WHICH)
    if machine.bochs.has("idiv-64"):
        raise PeerError(f"Linux does not boot on {machine.bochs}: tools/defects.py says why")
    with tempfile.TemporaryDirectory(prefix="peer-", dir=BUILD) as work:
        iso = os.path.join(work, "boot.iso")
        make_linux_iso(iso, runs, f"{ONE_CPU if cpus == 1 else ''} {options}")
        emulator = Emulator(machine, work, iso, bad_msrs="ignore", ips=ips)
        deadline = time.monotonic() + timeout

        def ended():
            # no time limit of the emulator's, which would boot again for a dump of registers
            text = emulator.console
            return END.encode() in text or b"Kernel panic" in text or time.monotonic() > deadline

        ending = emulator.run(2 * timeout, until=ended)
    console = plain(ending.console)
    statuses = [r.number("status") for r in records(console) if r.kind == "peer" and "status" in r]
    if END not in console or len(statuses) != len(runs):
        tail = "\n".join(console.splitlines()[-40:])
        raise PeerError(f"not at its end after {timeout} s. The console ends:\n{tail}")
    linux = LINUX.kernel_version()
    kvm = f"KVM {'.'.join(linux.split('.')[:2])} on {machine.bochs}"
    return Ended(console, statuses, f"Linux {linux}, {machine}", kvm)

"""Linux as a guest: Debian's kernel with busybox, as the modules of a boot."""

import os
import shutil
from dataclasses import dataclass

from boot import BUILD, ROOT
from initrd import Unpacked, pack, run
from iso import Module

PROGRAMS = os.path.join(BUILD, "linux")
INIT = os.path.join(ROOT, "tests/linux/init")
SCRIPTS = (os.path.join(ROOT, "tests/linux/crypto-selftest"),)
MEBIBYTES = 128  # of a guest
READY = "Linux runs."  # what init says

# Bochs 3.1 cannot run Linux (tools/defects.py: idiv-64). This model has AVX-512, and no PKU, of which
# Bochs tells wrong sizes, so that Linux does without all that XSAVE keeps.
WHICH, CPU = "trixie", "corei7_skylake_x"
IPS = 50000000  # of Bochs' time: what it does in a second, so that Linux has as many timer ticks

# What saves time, and changes nothing of what is run.
WORDS = (
    "console=ttyS0 tsc=reliable no_timer_check nokaslr init_on_alloc=0 cryptomgr.notests "
    "rcupdate.rcu_expedited=1 audit=0 random.trust_cpu=on selinux=0 apparmor=0 panic=-1 "
    "initcall_blacklist=jent_mod_init,trace_eval_init"
)


@dataclass(frozen=True)
class Linux:
    """Guests of one kernel. `command`: what they run, then they end with its status; None: a shell.
    `kernel`: a bzImage; "": Debian's, of this system's release. `modules`: of Debian's kernel, which
    are loaded by the command (insmod /NAME.ko, in the order of /modules). `files`: more files, by the
    name that they have there."""

    command: str = None
    kernel: str = ""
    words: str = WORDS
    modules: tuple = ()
    files: tuple = ()
    unpacked: str = "peer"

    @property
    def debian(self):
        return Unpacked(self.unpacked)

    @property
    def kernel_file(self):
        return self.kernel or self.debian.only("boot/vmlinuz-*")

    def make_initrd(self, into):
        """Writes the archive."""
        tree = into + ".tree"
        shutil.rmtree(tree, ignore_errors=True)
        for folder in ("bin", "dev", "proc", "sys"):
            os.makedirs(os.path.join(tree, folder))
        busybox = shutil.copy(self.debian.only("**/bin/busybox"), os.path.join(tree, "bin"))
        shutil.copy(INIT, tree)
        run("make", "--no-print-directory", "-s", "linux-programs", cwd=ROOT)
        for program in os.listdir(PROGRAMS):
            shutil.copy(os.path.join(PROGRAMS, program), os.path.join(tree, "bin"))
        for script in SCRIPTS:
            shutil.copy(script, os.path.join(tree, "bin"))
        for name, file in self.files:
            shutil.copy(file, tree + name)
        order = []
        for module in self.modules:
            self.debian.add_module(module, tree, order)
        if order:
            with open(os.path.join(tree, "modules"), "w", encoding="ascii") as file:
                file.write("".join(f"{name}\n" for name in order))
        if self.command is not None:
            with open(os.path.join(tree, "command"), "wb") as file:
                file.write(os.fsencode(self.command) + b"\n")
        pack(tree, into, busybox)
        shutil.rmtree(tree)

    def guest(self, name, initrd, options="", memory=MEBIBYTES):
        """Its two modules: kernel and initrd."""
        words = f"name={name} mem={memory}M {options}".strip()
        return [
            Module(self.kernel_file, f"{words} -- {self.words}"),
            Module(initrd, f"of={name} --"),
        ]


def machine_mebibytes(linux, initrd, guests, memory=MEBIBYTES):
    """That a machine needs for so many: GRUB loads the files of each."""
    files = os.path.getsize(linux.kernel_file) + os.path.getsize(initrd)
    return 64 + guests * (memory + 4 + files // (1 << 20))

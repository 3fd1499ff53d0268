"""The GRUB ISO with the hypervisor and its guests: for BIOS and UEFI, as CD and USB stick."""

import os
import shutil
import subprocess
from dataclasses import dataclass

# What GRUB needs to start us, and nothing more: each module is emulated time at every boot.
# `part_*` are not used, but GRUB for UEFI names each one that it misses on the console.
GRUB_MODULES = (
    "multiboot multiboot2 iso9660 normal test all_video part_acorn part_amiga part_apple part_bsd "
    "part_dfly part_dvh part_gpt part_msdos part_plan part_sun part_sunpc"
)

MENU_SECONDS = 5
MENU_LAST_LOG = "Show what the last boot said that did not end well"
# What is in the menu beside Resident and its guests: without guests, but with this option.
MENU_ALONE = ((MENU_LAST_LOG, "log=last"), ("Doctor: what this machine has and lacks", "doctor"))


class IsoError(Exception):
    """The ISO cannot be made; the text says why, and what to do."""


@dataclass(frozen=True)
class Module:
    """A multiboot module: a file, and the words that follow its name on the module line."""

    path: str
    words: str = ""


def grub_word(word):
    """A word as GRUB's shell has to be given it, to hand it on as it is."""
    if any(ord(c) < 0x20 or ord(c) > 0x7E for c in word):
        raise IsoError(f"{word!r}: only printable ASCII can go through GRUB's command line")
    return "'" + word.replace("'", "'\\''") + "'"


def grub_words(text):
    return " ".join(grub_word(word) for word in text.split())


def boot_lines(options, modules, names, protocol, bios_screen):
    """What GRUB does to start us. `names` are the modules' files on the ISO."""
    kernel, module = {2: ("multiboot2", "module2"), 1: ("multiboot", "module")}[protocol]
    lines = [
        # UEFI has no text mode that outlives GRUB: offer a framebuffer.
        'if [ "$grub_platform" = efi ]; then insmod all_video; fi',
        f"{kernel} /boot/resident.elf {grub_words(options)}",
    ]
    lines += [
        f"{module} {grub_word('/' + name)} {grub_words(m.words)}" for name, m in zip(names, modules)
    ]
    # The kernel line asked for a framebuffer; a BIOS has a text mode too.
    lines.append(f'if [ "$grub_platform" = pc ]; then set gfxpayload={bios_screen}; fi')
    return lines


def menu_entry(title, lines):
    return [f"menuentry {grub_word(title)} {{", *("\t" + line for line in lines), "}"]


def grub_config(options, modules, names, protocol, bios_screen="text", menu=False):
    """The text of grub.cfg: it boots at once, or has a menu first."""
    lines = boot_lines(options, modules, names, protocol, bios_screen)
    if not menu:
        return "\n".join(["set timeout=0", *lines, "boot", ""])
    entries = menu_entry("Resident", lines)
    for title, option in MENU_ALONE:
        alone = boot_lines(f"{options} {option}", (), (), protocol, bios_screen)
        entries += menu_entry(title, alone)
    return "\n".join([f"set timeout={MENU_SECONDS}", *entries, ""])


def place(modules, tree):
    """Copy each file once into the tree; return the name that each module has there."""
    placed = {}
    for module in modules:
        path = os.path.realpath(module.path)
        if path not in placed:
            base = os.path.basename(module.path)
            # A directory of their own: boot/ and EFI/ belong to GRUB.
            name = (
                f"guest/{base}"
                if f"guest/{base}" not in placed.values()
                else f"guest/{len(placed)}-{base}"
            )
            os.makedirs(os.path.join(tree, "guest"), exist_ok=True)
            shutil.copyfile(path, os.path.join(tree, name))
            placed[path] = name
    return [placed[os.path.realpath(module.path)] for module in modules]


def make_iso(iso, kernel, options="", modules=(), protocol=2, bios_screen="text", menu=False):
    """Make `iso`: GRUB starts `kernel` with `options` and `modules`, by multiboot `protocol`. A
    BIOS shows `bios_screen`: "text", or a mode for GRUB's gfxpayload ("1024x768x24"). With `menu`
    GRUB offers the text of the boot before and the doctor, too."""
    tree = iso + ".tree"
    os.makedirs(tree)
    try:
        os.makedirs(os.path.join(tree, "boot"))
        shutil.copyfile(kernel, os.path.join(tree, "boot/resident.elf"))
        names = place(modules, tree)
        config = grub_config(options, modules, names, protocol, bios_screen, menu)
        make_iso_of_tree(iso, tree, config)
    finally:
        shutil.rmtree(tree)


def make_iso_of_tree(iso, tree, config, more_modules=""):
    """Make `iso` of the files in `tree`, and of GRUB with this grub.cfg."""
    if shutil.which("grub-mkrescue") is None:
        raise IsoError("grub-mkrescue is not installed: run tools/setup run")
    os.makedirs(os.path.join(tree, "boot/grub"))
    with open(os.path.join(tree, "boot/grub/grub.cfg"), "w", encoding="ascii") as file:
        file.write(config)
    made = subprocess.run(
        ["grub-mkrescue", "-o", iso, f"--install-modules={GRUB_MODULES} {more_modules}"]
        + ["--fonts=", "--themes=", "--locales=", tree],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if made.returncode != 0 or not os.path.exists(iso):
        raise IsoError("grub-mkrescue failed. Its output ends:\n" + made.stdout[-1500:])

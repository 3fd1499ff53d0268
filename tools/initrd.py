"""Debian's kernels, their modules and busybox, which tools/setup has unpacked beside the system, put
together to what a Linux starts with: an archive of its first files."""

import glob
import lzma
import os
import re
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DEBIAN = os.path.join(ROOT, "build/debian")


class InitrdError(OSError):
    """A file is not there; the text says what to do."""


def run(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


class Unpacked:
    """What tools/debian has unpacked as build/debian/NAME."""

    def __init__(self, name):
        self.there = os.path.join(DEBIAN, name)

    def only(self, pattern):
        """The one file of this name."""
        found = glob.glob(os.path.join(self.there, "root", pattern), recursive=True)
        if len(found) != 1 or not os.path.exists(os.path.join(self.there, "versions")):
            raise InitrdError(f"{self.there} has no {pattern}: run tools/setup peer")
        return found[0]

    def kernel_version(self):
        """As "6.1.0-50-cloud-amd64 (6.1.176-1)"."""
        with open(os.path.join(self.there, "versions"), encoding="ascii") as file:
            found = re.search(r"^linux-image-(\d\S*) (\S+)$", file.read(), re.M)
        return f"{found[1]} ({found[2]})"

    def module_file(self, name, tree):
        """Unpacks a module into the tree, without its symbols and type information."""
        path = self.only(f"**/kernel/**/{name}.ko*")
        into = os.path.join(tree, name + ".ko")
        with (lzma.open if path.endswith(".xz") else open)(path, "rb") as file:
            with open(into, "wb") as copy:
                shutil.copyfileobj(file, copy)
        run("strip", "--strip-unneeded", "-R", ".BTF", into)
        return into

    def add_module(self, name, tree, order):
        """And before it the modules that it depends on. A dependency may be written with _ where the
        file has -."""
        if f"{name}.ko" in order:
            return
        information = run(
            "readelf", "-p", ".modinfo", self.module_file(name, tree), errors="replace"
        )
        for needed in re.search(r"\bdepends=(\S*)", information)[1].split(","):
            if needed:
                self.add_module(self.spelt(needed), tree, order)
        order.append(f"{name}.ko")

    def spelt(self, name):
        pattern = os.path.join(self.there, "root/**/kernel/**", name.replace("_", "[_-]") + ".ko*")
        found = glob.glob(pattern, recursive=True)
        return os.path.basename(found[0]).partition(".ko")[0] if found else name


def everything_in(tree):
    """The names of its files and folders, each folder before what is in it."""
    for folder, folders, files in os.walk(tree):
        for name in sorted(folders + files):
            yield os.path.relpath(os.path.join(folder, name), tree)


def pack(tree, into, busybox):
    """The archive of a tree, for the kernel."""
    names = "".join(f"{name}\n" for name in everything_in(tree))
    with open(into, "wb") as file:
        subprocess.run(
            [busybox, "cpio", "-o", "-H", "newc"],
            cwd=tree,
            input=names.encode(),
            stdout=file,
            stderr=subprocess.DEVNULL,
            check=True,
        )

"""Which kernels a folder has, and how each is to be booted and judged: docs/suites.md."""

import configparser
import fnmatch
import os
import re
from dataclasses import dataclass, field

from guests import GuestError, check_kernel

FILE = "suite.ini"  # in the folder

DEFAULTS = {
    "memory": "128",  # MiB
    "vcpus": "1",
    "line": "",  # the kernel's command line
    "modules": "",  # files, by their place in the folder, each with its line behind a space; a row each
    "options": "",  # of the module line, as control=on
    "hypervisor": "",  # boot options
    "pass": r"^PASS\b",
    "fail": r"^FAIL\b",
    "skip": r"^SKIP\b",
    "drop": "",
    "until": "",
    "quiet": "20",  # seconds
    "timeout": "120",
    "leave": "",
}
PATTERNS = ("pass", "fail", "skip", "drop", "until")
NUMBERS = ("memory", "vcpus", "quiet", "timeout")


class SuiteError(Exception):
    """The suite cannot be run; the text says why, and what to do."""


@dataclass
class Kernel:
    name: str  # its path in the folder
    path: str
    memory: int
    vcpus: int
    quiet: int
    timeout: int
    line: str
    options: str
    hypervisor: str
    leave: str  # why it is not to be run, or ""
    modules: list = field(default_factory=list)  # (path, line)
    patterns: dict = field(default_factory=dict)  # compiled; None where there is none


def read_options(path):
    """The file's sections, in its order."""
    parser = configparser.ConfigParser(interpolation=None, default_section="", strict=True)
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except (configparser.Error, UnicodeDecodeError) as error:
        raise SuiteError(f"{path}: {error}") from None
    for section in parser.sections():
        for key in parser[section]:
            if key not in DEFAULTS:
                raise SuiteError(
                    f"{path}: [{section}] {key}: there is no such option. There are: "
                    + " ".join(DEFAULTS)
                )
    return parser


def is_kernel(path):
    try:
        check_kernel(path, multiboot=True)
    except GuestError:
        return False
    return True


def found_in(folder):
    for where, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            path = os.path.join(where, file)
            if os.path.isfile(path) and is_kernel(path):
                yield os.path.relpath(path, folder)


def of_options(name, folder, parser, source):
    """The kernel, with what all sections that its name fits say; of several the last one counts."""
    said = dict(DEFAULTS)
    for section in parser.sections():
        if fnmatch.fnmatchcase(name, section):
            said.update(parser[section])
    values = {key: said[key] for key in ("line", "options", "hypervisor", "leave")}
    for key in NUMBERS:
        if not said[key].isdecimal() or (int(said[key]) == 0 and key != "quiet"):
            raise SuiteError(f"{source}: {key}={said[key]} for {name}: it is a positive number")
        values[key] = int(said[key])
    patterns = {}
    for key in PATTERNS:
        try:
            patterns[key] = re.compile(said[key], re.M) if said[key] else None
        except re.error as error:
            raise SuiteError(f"{source}: {key} for {name}: {error}") from None
    modules = []
    for row in filter(None, map(str.strip, said["modules"].splitlines())):
        file, _, line = row.partition(" ")
        modules.append((os.path.join(folder, file), line.strip()))
        if not os.path.isfile(modules[-1][0]):
            raise SuiteError(f"{source}: {name} has a module {file}, which is not there")
    path = os.path.join(folder, name)
    return Kernel(name=name, path=path, modules=modules, patterns=patterns, **values)


def kernels(folder, options, only):
    """What KERNELS, OPTIONS and ONLY ask for."""
    if not folder:
        raise SuiteError("KERNELS is not set: make suite KERNELS=folder, with multiboot 1 kernels in it")
    if not os.path.isdir(folder):
        raise SuiteError(f"KERNELS={folder}: there is no such folder")
    if options and not os.path.isfile(options):
        raise SuiteError(f"OPTIONS={options}: there is no such file")
    source = options or os.path.join(folder, FILE)
    parser = configparser.ConfigParser()
    if os.path.exists(source):
        parser = read_options(source)
    names = list(found_in(folder))
    if not names:
        raise SuiteError(
            f"KERNELS={folder}: no file in it is a multiboot 1 kernel: "
            "there is no header magic 0x1BADB002 in the first 8 KiB of any"
        )
    wanted = only.split() or ["*"]
    names = [name for name in names if any(fnmatch.fnmatchcase(name, want) for want in wanted)]
    if not names:
        raise SuiteError(f"ONLY={only}: no kernel of {folder} has such a name")
    return [of_options(name, folder, parser, source) for name in names]

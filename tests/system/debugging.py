"""Boots with a debugger on COM2: gdb itself, or somebody who speaks its protocol."""

import os
import re
import socket
import subprocess
import threading
import time
from dataclasses import dataclass

from boot import Result, kernel_path
from booting import BUILD
from emulator import Emulator
from gdb_line import GdbLine
from iso import Module, make_iso
from machine import Machine
from records import verdict

GDB = ["gdb", "-nx", "-batch", "-ex", "set pagination off", "-ex", "set confirm off"]
CLIENT_TIME = 60  # seconds
END_TIME = 20  # that the machine has to end once the client has


@dataclass
class Debugged:
    boot: Result
    said: str  # by gdb, or what the client returned


def gdb(guest, commands, *more):
    """A client: gdb with a guest's symbols, attached; then it does these commands."""

    def client(port):
        words = [*GDB, "-ex", "set remotetimeout 15", "-ex", f"target remote localhost:{port}"]
        for command in commands:
            words += ["-ex", command]
        done = subprocess.run(
            [*words, *more, kernel_path(guest)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=CLIENT_TIME,
            check=False,
        )
        return done.stdout

    return client


class Wire:
    """The protocol, packet by packet."""

    def __init__(self, port):
        self.socket = socket.create_connection(("localhost", port), timeout=20)
        self.came = b""

    def raw(self, data):
        self.socket.sendall(data)

    def byte(self):
        while not self.came:
            self.came = self.socket.recv(4096)
            assert self.came, "the line has been closed"
        first, self.came = self.came[:1], self.came[1:]
        return first

    @staticmethod
    def framed(text):
        return b"$" + text + b"#%02x" % (sum(text) & 0xFF)

    def send(self, text):
        self.raw(self.framed(text.encode() if isinstance(text, str) else text))

    def packet(self):
        """The next one that comes, decoded; acknowledgements before it are left out."""
        while (first := self.byte()) != b"$":
            assert first in b"+-", first
        text = b""
        while (one := self.byte()) != b"#":
            text += one
        assert int(self.byte() + self.byte(), 16) == sum(text) & 0xFF
        text = re.sub(rb"(.)\*(.)", lambda m: m[1] * (m[2][0] - 28), text, flags=re.S)
        return re.sub(rb"}(.)", lambda m: bytes([m[1][0] ^ 0x20]), text, flags=re.S).decode("latin1")

    def ask(self, text):
        self.send(text)
        return self.packet()


def wire(talk):
    """A client: talk(Wire) says what is said, and returns it."""

    def client(port):
        return talk(Wire(port))

    return client


def debug(work, client, modules, opts="gdb=a", cpus=1, bochs="", cpu="", whole=True, timeout=120):
    """Boots, lets the client speak, and goes on until the machine ends; or without `whole` until the
    client has."""
    machine = Machine("bochs", "bios", cpus, 0, cpu, bochs)
    iso = os.path.join(work, "boot.iso")
    kernel = os.path.join(BUILD, "resident.elf")
    make_iso(iso, kernel, opts, tuple(Module(kernel_path(file), words) for file, words in modules), 2)
    line = GdbLine()
    said = []

    def speak():
        try:
            said.append(client(line.port))
        except Exception as error:  # it is the test's that failed
            said.append(error)

    over_since = []

    def over():
        """The machine has some time left to end by itself."""
        if not said:
            return False
        over_since.append(time.monotonic())
        left = END_TIME if whole and not isinstance(said[0], Exception) else 0
        return over_since[-1] - over_since[0] >= left

    speaker = threading.Thread(target=speak, daemon=True)
    emulator = Emulator(machine, work, iso, gdb=line)
    speaker.start()
    start = time.monotonic()
    ending = emulator.run(timeout, until=over, again=False)
    speaker.join(CLIENT_TIME)
    status, message = verdict(ending)
    boot = Result(
        str(machine), status, message, ending.why, ending.console, ending.dump, ending.log, work,
        time.monotonic() - start,
    )
    os.remove(iso)
    print(boot.report(), *said, sep="\n")  # shown if the test fails
    if said and isinstance(said[0], Exception):
        raise said[0]
    return Debugged(boot, said[0] if said else "")

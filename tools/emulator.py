"""One boot of a machine: starts the emulator, follows its console, dumps its state."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import tty
from dataclasses import dataclass

from machine import MachineError
from records import plain

OVMF = "/usr/share/ovmf/OVMF.fd"
POLL = 0.05  # seconds between two looks at the console
# Runs a command that is killed when its parent, whose process id comes first, is gone. The shell
# looks whether it was gone before setpriv asked for the signal.
DIE_WITH_US = ["setpriv", "--pdeathsig", "KILL", "sh", "-c", '[ "$PPID" = "$0" ] && exec "$@"']
SLOWER = 5  # at most so many times slower is Bochs with its debugger
SLACK = 64  # bytes that its console may be shorter: a measured number has a digit less
SETTLE = 2  # seconds that a repeated boot has to come to where the first one hung
HEAD = 4096  # characters of what it says first
DUMP_TIME = 20  # seconds that an emulator has for its dump, before it is killed

# What is typed into the hypervisor's monitor when a boot is stopped by its time limit: guests says
# where each of them is.
MONITOR_KEY, MONITOR_OPEN = b"\x01", b"The monitor: help"
ASK_GUESTS, GUESTS_TOLD = b"guests\r", b"@monitor command=guests"
GDB_READY = re.compile(rb"^@gdb vm=", re.M)  # the hypervisor listens on COM2
MONITOR_TIME = 2  # seconds that the monitor has to open
GUESTS_TIME = 15  # and for its answer

BOCHS_CONFIG = """\
config_interface: textconfig
display_library: term
{rom}
vgaromimage: file={vga_rom}
memory: guest={memory}, host={memory}
cpu: model={cpu}, count={cpus}, ips={ips}, reset_on_triple_fault=0, ignore_bad_msrs={ignore_msrs}
clock: sync=none, time0={time}
boot: cdrom
ata0-master: type=cdrom, path=boot.iso, status=inserted
com1: enabled=1, {com1}
{com2}log: bochs.log
panic: action=fatal
error: action=report
info: action=report
debug: action=ignore
port_e9_hack: enabled=1
magic_break: enabled={magic}
pci: enabled=1, chipset=i440fx
plugin_ctrl: speaker=0
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
"""
BOCHS_BIOS = "romimage: file={path}, options=fastboot"
BOCHS_UEFI = "romimage: file={path}, address={address:#x}"
# When each boot is, 12:00 on 1 January 2026 in UTC: the same year in every time zone of the host's, and
# of the century that is taken for a PC's, whose clock has two digits.
BOCHS_TIME = 1767268800
FOUR_GIB = 1 << 32  # where a firmware image ends: Debian 12's OVMF has 2 MiB, 13's has 4


@dataclass(frozen=True)
class Direct:
    """A boot without GRUB, by QEMU's -kernel: multiboot 1, the hypervisor as an ELF32."""

    kernel: str
    options: str = ""
    modules: tuple = ()

    def arguments(self):
        lines = [
            f"{os.path.abspath(m.path)} {m.words}".strip().replace(",", ",,") for m in self.modules
        ]
        words = ["-kernel", os.path.abspath(self.kernel), "-append", self.options]
        return words + (["-initrd", ",".join(lines)] if lines else [])


@dataclass
class Ending:
    """How a boot came to its end."""

    why: str  # "ended" (by itself), "until" (what was waited for) or "timeout"
    code: int  # the emulator's exit code
    console: bytes
    dump: str  # what the monitor commands printed (registers, unless other commands were given)
    log: str  # the end of the emulator's own log
    guests: str = ""  # what the hypervisor said of its guests at the time limit, where it was asked


class Emulator:
    """One boot. `medium` is the path of an ISO, or a Direct. Its files are all in `work`.
    Bochs runs without its debugger, three times as fast, where it can; with `debugger`, or
    `commands` for it, with it. A boot that hung without it is repeated with it, for its registers.
    `port` is the console that is followed: "com1", or "e9", which costs no emulated time. `typing`,
    with "com1" only, is called again and again with all that the console has printed, and returns
    what is typed on it next, or b"". With `magic` a guest's XCHG BX,BX stops Bochs too, and the
    next of `commands` are carried out. `bad_msrs` ("fault" or "ignore") is what an MSR does that
    Bochs lacks; `ips` is how many instructions make a second of its time, 0 the default. `monitor`
    is what QEMU's does while the machine runs: (regular expression, command), each when the
    expression is found in what the console has printed since the one before; a reset starts the
    machine again then. With `disk` it finds the ISO on a disk, as on a USB stick, not on a CD. `gdb` is a GdbLine, which has the
    machine's COM2. With `ask` and `typing` the hypervisor tells of its guests at the time limit."""

    def __init__(
        self,
        machine,
        work,
        medium,
        commands=None,
        port="com1",
        typing=None,
        debugger=False,
        magic=False,
        bad_msrs="fault",
        ask=False,
        monitor=(),
        disk=False,
        ips=0,
        gdb=None,
    ):
        self.machine, self.work, self.medium = machine, work, medium
        self.magic = magic
        self.bochs = machine.kind == "bochs"
        self.commands = commands or (
            bochs_registers(machine) if self.bochs else ["info registers -a"]
        )
        self.debugger = self.bochs and (
            debugger or commands is not None or machine.bochs.debugger_only
        )
        self.bad_msrs = bad_msrs
        self.ask = ask
        self.monitor, self.monitored = list(monitor), 0
        self.disk = disk
        self.gdb = gdb
        self.ips = ips or (4000000 if machine.firmware == "uefi" else 10000000)
        self.e9 = port == "e9"
        # Bochs copies port 0xE9 to its own output
        self.console_file = "emulator.out" if self.e9 and self.bochs else "console"
        self.console = b""
        self.process = None
        self.port, self.typing = port, typing
        self.keys = []  # what was typed, each with how much the console had printed by then
        self.listener = self.line = None  # COM1 is a file, or this socket if somebody types
        self.screen = None  # the pseudo terminal on which Bochs with its debugger draws

    def path(self, name):
        return os.path.join(self.work, name)

    def bochs_rom(self):
        if self.machine.firmware != "uefi":
            return BOCHS_BIOS.format(path=self.machine.bochs.share("bochs/BIOS-bochs-latest"))
        if not os.path.exists(OVMF):
            raise MachineError(f"{OVMF} is not there: run tools/setup run")
        return BOCHS_UEFI.format(path=OVMF, address=FOUR_GIB - os.path.getsize(OVMF))

    def bochs_cpu(self):
        cpu = self.machine.model
        if self.machine.firmware == "uefi" and self.machine.bochs.has("cet-read-only-dirty"):
            cpu += ', exclude_features="cet"'  # no guest is shown it
        return cpu

    def bochs_command(self):
        if isinstance(self.medium, Direct):
            raise MachineError("Bochs boots from an ISO only")
        uefi = self.machine.firmware == "uefi"
        share = self.machine.bochs.share
        config = BOCHS_CONFIG.format(
            rom=self.bochs_rom(),
            vga_rom=share("vgabios/vgabios.bin"),
            memory=self.machine.mebibytes,
            cpu=self.bochs_cpu(),
            cpus=self.machine.cpus,
            ips=self.ips,
            com1=(
                f"mode=socket-client, dev={self.listener_name()}"
                if self.typing
                else "mode=file, dev=console"
            ),
            com2=(
                f"com2: enabled=1, mode=socket-client, dev={self.gdb.emulator}\n" if self.gdb else ""
            ),
            ignore_msrs=int(uefi or self.bad_msrs == "ignore"),
            magic=int(self.magic),
            time=BOCHS_TIME,
        )
        if os.path.abspath(self.medium) != os.path.abspath(self.path("boot.iso")):
            os.symlink(os.path.abspath(self.medium), self.path("boot.iso"))
        with open(self.path("bochsrc"), "w", encoding="ascii") as file:
            file.write(config)
        command = [self.machine.bochs.program, "-q", "-f", "bochsrc"]
        if not self.debugger:
            return command
        # SIGINT ends the first command, "continue"; the others are carried out then.
        with open(self.path("debugger"), "w", encoding="ascii") as file:
            file.write("\n".join(["c", *self.commands, "q", ""]))
        asked = [] if self.machine.bochs.debugger_only else ["-debugger"]
        return [*command, *asked, "-rc", "debugger"]

    def qemu_command(self):
        machine = self.machine
        command = [
            "qemu-system-x86_64",
            "-accel",
            machine.kind,
            "-machine",
            machine.chipset or "pc",
            "-cpu",
            machine.model,
        ]
        command += [
            "-smp",
            str(machine.cpus),
            "-m",
            str(machine.mebibytes),
            "-display",
            "none",
            "-net",
            "none",
        ]
        console = ["-serial", "null", "-debugcon"] if self.e9 else ["-serial"]
        output = f"tcp:{self.listener_name()}" if self.typing else "file:console"
        command += [] if self.monitor else ["-no-reboot"]
        command += [*console, output, "-qmp", "stdio"]
        if self.gdb:
            command += ["-serial", f"tcp:{self.gdb.emulator}"]
        command += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        if machine.firmware == "uefi":
            command += ["-bios", OVMF]
        if isinstance(self.medium, Direct):
            if machine.firmware == "uefi":
                raise MachineError("METHOD=kernel: only a BIOS loads what QEMU's -kernel names")
            return command + self.medium.arguments()
        if self.disk:
            return command + ["-drive", f"format=raw,file={os.path.abspath(self.medium)}"]
        return command + ["-cdrom", os.path.abspath(self.medium)]

    def listener_name(self):
        host, port = self.listener.getsockname()
        return f"{host}:{port}"

    def start(self):
        if self.typing:
            self.listener = socket.create_server(("127.0.0.1", 0), backlog=1)
            self.listener.setblocking(False)
        command = self.bochs_command() if self.bochs else self.qemu_command()
        if shutil.which(command[0]) is None:
            raise MachineError(f"{command[0]} is not installed: run tools/setup run")
        with open(self.path("emulator.out"), "wb") as out:
            # A session of its own: Ctrl-C is for us, and we end it. Killed, we take it along.
            self.process = subprocess.Popen(
                [*DIE_WITH_US, str(os.getpid()), *command],
                cwd=self.work,
                env={**os.environ, "TERM": "dumb"},
                start_new_session=True,
                stdin=subprocess.DEVNULL if self.bochs else subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def read_screen(self):
        """Bochs with its debugger waits for ever once its pseudo terminal is full."""
        if self.screen is None:
            with open(self.path("emulator.out"), encoding="utf-8", errors="replace") as file:
                match = re.search(r'connected to screen "(/dev/pts/\d+)"', file.read(HEAD))
            if not match:
                return
            self.screen = os.open(match[1], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            tty.setraw(self.screen)
        try:
            while os.read(self.screen, 1 << 16):
                pass
        except OSError:  # nothing is there, or Bochs has ended
            pass

    def read_line(self):
        """What came over the socket since the last call."""
        new = b""
        try:
            if self.line is None:
                self.line, _ = self.listener.accept()
                self.line.setblocking(False)
            while more := self.line.recv(1 << 16):
                new += more
        except (BlockingIOError, ConnectionResetError):
            pass
        return new

    def type(self):
        keys = self.typing(self.console) if self.line else b""
        try:
            if keys:
                self.keys.append((len(self.console), keys))
                self.line.sendall(keys)
        except OSError:  # the machine has ended meanwhile, or does not read
            pass

    def read_console(self):
        """What the console printed since the last call."""
        if self.typing:
            new = self.read_line()
            self.console += new
            return new
        try:
            with open(self.path(self.console_file), "rb") as file:
                file.seek(len(self.console))
                new = file.read()
        except FileNotFoundError:  # made when the first character is printed
            new = b""
        self.console += new
        return new

    def text(self, name):
        try:
            with open(self.path(name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def order(self):
        """What the console has said is what the next of the monitor's commands waits for."""
        while self.monitor:
            pattern, command = self.monitor[0]
            if not re.search(pattern.encode(), self.console[self.monitored :]):
                break
            self.monitor.pop(0)
            self.monitored = len(self.console)
            self.process.stdin.write(qmp_lines([command]))
            self.process.stdin.flush()

    def interrogate(self):
        """Stop the machine where it is, and return what the commands print."""
        if self.bochs and not self.debugger:
            return ""
        try:
            if self.bochs:
                self.process.send_signal(signal.SIGINT)
                self.process.wait(DUMP_TIME)
                return self.text("emulator.out").rpartition("Next at t=")[2]
            self.process.communicate(qmp_lines(["stop", *self.commands, "quit"]), DUMP_TIME)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            return "(the emulator did not answer)"
        answers = [
            json.loads(line)
            for line in self.text("emulator.out").splitlines()
            if line.startswith("{")
        ]
        return "\n".join(a["return"] for a in answers if isinstance(a.get("return"), str))

    def say(self, keys, answer, seconds):
        """Type, and whether the console shows the answer in time."""
        start, deadline = len(self.console), time.monotonic() + seconds
        try:
            self.line.sendall(keys)
        except OSError:
            return False
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read_console()
            if re.search(re.escape(answer) + rb".*\n", self.console[start:]):
                return True
            time.sleep(POLL)
        return False

    def ask_guests(self):
        """What the hypervisor says of its guests. Its monitor may be open already: the key that
        opens it has closed it then, and opens it again."""
        start = len(self.console)
        for _ in range(2):
            if self.line and self.say(MONITOR_KEY, MONITOR_OPEN, MONITOR_TIME):
                self.say(ASK_GUESTS, GUESTS_TOLD, GUESTS_TIME)
                break
        else:
            return ""
        told = plain(self.console[start:])
        return "\n".join(line for line in told.splitlines() if re.match(r"[\w.-]+: |ERROR|warn", line))

    def kill(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def run(self, timeout, output=lambda new: None, until=None, again=True):
        """Boot, until the machine ends, `until` (a regular expression that is found on the console,
        or a function) says so, or `timeout` seconds have passed. `output` gets what is printed, and
        b"" while nothing is. Without `again` no boot that hung is repeated."""
        if isinstance(until, str):
            pattern = re.compile(until.encode())
            until = lambda: pattern.search(self.console)  # noqa: E731
        why, dump, guests = "ended", "", ""
        deadline = time.monotonic() + timeout
        try:
            self.start()
            while self.process.poll() is None:
                if self.debugger:
                    self.read_screen()
                output(self.read_console())
                if self.typing:
                    self.type()
                self.order()
                if self.gdb and GDB_READY.search(self.console):
                    self.gdb.ready()
                if until and until():
                    why = "until"
                elif time.monotonic() > deadline:
                    why = "timeout"
                if why != "ended":
                    hung = len(self.console)
                    if why == "timeout" and self.ask and self.typing:
                        guests = self.ask_guests()
                    dump = self.interrogate()
                    break
                time.sleep(POLL)
        finally:
            self.kill()
            rest = self.read_console()
            for end in (self.line, self.listener, self.gdb):
                if end:
                    end.close()
            if self.screen is not None:
                os.close(self.screen)
        output(rest)
        if why == "timeout" and again and self.bochs and not self.debugger:
            dump = self.repeat(timeout, output, hung)
        if guests:
            self.console = self.console[:hung]
        return Ending(why, self.process.returncode, self.console, dump, self.log(), guests)

    def repeat(self, timeout, output, hung):
        """The registers of a boot that hung without the debugger: emulated time is deterministic,
        so with it the boot comes to the same place, slower."""
        work = self.path("again")
        os.makedirs(work)
        keys = Replay(self.keys) if self.typing else None
        again = Emulator(self.machine, work, self.medium, None, self.port, keys, debugger=True)
        again.bad_msrs = self.bad_msrs
        reached = None

        def hangs():
            nonlocal reached
            if len(again.console) >= hung - SLACK:
                reached = reached or time.monotonic()
            return reached and time.monotonic() > reached + SETTLE

        ending = again.run(SLOWER * timeout, lambda _new: output(b""), hangs)
        if ending.why == "ended":
            return "(repeated with the debugger, it did not hang)"
        return ending.dump

    def log(self):
        """The end of what the emulator complains of: Bochs' panics and errors, QEMU's messages."""
        lines = self.text("bochs.log" if self.bochs else "emulator.out").splitlines()
        wanted = r"\d+[pe]\[" if self.bochs else r"[^{]"
        if not lines:  # Bochs' configuration was not accepted
            lines, wanted = self.text("emulator.out").splitlines(), r"\[ |bochsrc:"
        return "\n".join([line for line in lines if re.match(wanted, line)][-20:])


def qmp_lines(commands):
    """Commands of QEMU's monitor for people, as its monitor for programs takes them. It wants its
    capabilities set first, and complains of a second time, which harms nothing."""
    requests = [{"execute": "qmp_capabilities"}]
    for line in commands:
        requests.append({"execute": "human-monitor-command", "arguments": {"command-line": line}})
    return ("\n".join(map(json.dumps, requests)) + "\n").encode()


class Replay:
    """Types what was typed in another boot, each when as much has been printed as then."""

    def __init__(self, keys):
        self.left = list(keys)

    def __call__(self, console):
        if not self.left or len(console) < self.left[0][0]:
            return b""
        return self.left.pop(0)[1]


def bochs_registers(machine):
    commands = []
    for cpu in range(machine.cpus):
        commands += ([f"set $cpu={cpu}"] if machine.cpus > 1 else []) + ["r", "sreg", "creg"]
    return commands

"""The monitor: what is typed on the hypervisor's console while guests run."""

import os
import pty
import re
import select
import signal
import termios
import time

import pytest
from booting import ROOT
from guests import ON_SEVERAL_CPUS

OPEN, KILL = "\x01", "\x15"
POLICIES = ["lazy", "scrub", "eager", "unload", "swap", "auto"]
HOLD = [
    ("fpu-hold", f"name={name} mem=4M runs=1000 -- seed={seed} rounds=1 {ON_SEVERAL_CPUS}")
    for seed, name in enumerate("ab", 1)
]
BOTH_RAN = r"name=a state=ended[\s\S]*?name=b state=ended"
PROMPT = "resident> "
# Before a row a line was printed, or the prompt was erased.
LAST = {"vms": r"[\r\n]b .*\n", "vcpus": r"[\r\n]b/0 .*\n"}
CPUS = [pytest.param(1, id="1-cpu"), pytest.param(4, id="4-cpus")]
NIGHTLY = pytest.mark.nightly


def last_row(name, cpus):
    return LAST.get(name) or rf"[\r\n] +{cpus - 1} .*\n"


def tables(console, name):
    """Each table of this name: its rows, by the first column, each by the headings."""
    found, lines = [], console.splitlines()
    for number, line in enumerate(lines):
        if line != f"resident> {name}":
            continue
        rest = iter(lines[number + 1 :])
        heading = next(line for line in rest if line.split()[0] == {"fpu": "cpu"}.get(name, name[:-1]))
        rows = {}
        for row in rest:
            values = row.split()
            if re.match(r"@|\w+[|:]", row):
                continue  # a guest's
            if len(values) != len(heading.split()) or row.startswith("resident>"):
                break
            rows[values[0]] = dict(zip(heading.split(), values))
        found.append(rows)
    return found


def erased(typed):
    """It stood on the console's last line, until a line was printed."""
    return rf"resident> {typed}\x1b\[2K\r[\s\S]*?"


def answers(result, command):
    return [record["vm"] for record in result.all("monitor", command=command)]


def test_the_policy_is_changed_by_command_and_no_guest_loses_anything(boot):
    result = boot(
        modules=HOLD,
        opts="slice=500",
        typed=[(BOTH_RAN, f"fpu={policy}\r") for policy in POLICIES],
        until=rf"@policy fpu=auto before=swap[\s\S]*?{BOTH_RAN}.*\n",
    )
    assert result.why == "until"
    assert [record["fpu"] for record in result.all("policy")] == POLICIES
    assert "FAIL" not in result.console
    assert "resident>" not in result.console
    for name in "ab":
        ended = result.all("vm", name=name, state="ended")
        assert len(ended) > len(POLICIES)
        assert {record["status"] for record in ended} == {"0"}


def test_a_command_that_is_not_known_is_answered_with_what_is(boot):
    wrong = ["fpu=lasy", "reboot", "stop", "stop c", "cpu 0 off", "cpu 9 offline", "vms b"]
    result = boot(
        modules=HOLD,
        typed=[("state=started", "fpu=lasy\r")]
        + [(f"ERROR: command {re.escape(a)}", f"{b}\n") for a, b in zip(wrong, wrong[1:])],
        until=r"command vms b.*\n",
    )
    errors = re.findall(r"^ERROR: command (.*)$", result.console, re.M)
    assert [error.split(":")[0] for error in errors] == wrong
    for line in (0, 1, 2, 6):
        assert "fpu=lazy|scrub|eager|unload|swap|auto" in errors[line]
    assert "there are CPUs 0 to 0" in errors[5]
    assert not result.all("policy") and not result.all("monitor")


def test_what_is_typed_is_shown_below_what_guests_print(boot):
    result = boot(
        modules=HOLD,
        typed=[
            (BOTH_RAN, OPEN),
            (PROMPT, "vmx"),
            (erased("vmx") * 3, "\b"),
            ("resident> vm(?!x)", "s\r"),
            (LAST["vms"], "nonsense" + KILL),
            (PROMPT, "exit\r"),
            ("resident> exit", "help\r"),
        ],
        until=rf"VM, end VM[\s\S]*?{BOTH_RAN}.*\n",
    )
    assert result.why == "until"
    # each time a line came, what was typed so far was erased before it, and stood below it again
    assert re.search(erased("vmx").encode() * 3, result.raw)
    prompts = [line for line in result.console.splitlines() if "resident>" in line]
    assert prompts == ["resident> vms", "resident> exit"]
    assert "ERROR" not in result.console


@pytest.mark.parametrize("cpus", CPUS)
def test_the_tables_tell_of_vms_vcpus_cpus_and_fpus(boot, cpus):
    names = ["vms", "vcpus", "cpus", "fpu"]
    script = [("b state=started", OPEN), (PROMPT, "vms\r")]
    script += [(last_row(a, cpus), f"{b}\r") for a, b in zip(names, names[1:])]
    result = boot(cpus=cpus, modules=HOLD, typed=script, until="loads  flushes[\\s\\S]*?" + last_row("fpu", cpus))
    assert result.why == "until"
    vms, vcpus, cpu, fpu = (tables(result.console, name)[0] for name in names)
    assert list(vms) == ["a", "b"] and list(vcpus) == ["a/0", "b/0"]
    assert list(cpu) == list(fpu) == [str(number) for number in range(cpus)]
    assert {row["mem_mb"] for row in vms.values()} == {"4"}
    assert {row["vcpus"] for row in vms.values()} == {"1"}
    assert {row["at"] for row in vcpus.values()} <= set(cpu)
    assert {row["fpu"] for row in vcpus.values()} <= {"open", "armed", "guarded"}
    assert {row["state"] for row in cpu.values()} == {"online"}
    assert sum(int(row["entries"]) for row in cpu.values()) > 0
    assert {row["policy"] for row in fpu.values()} == {"auto"}
    assert {row["owner"] for row in fpu.values()} <= {"a/0", "b/0", "host", "-"}
    assert {row["dirty"] for row in fpu.values()} <= {"yes", "no"}


@pytest.mark.parametrize("cpus", CPUS)
def test_a_stopped_vm_has_no_turns_until_it_is_started(boot, cpus):
    result = boot(
        cpus=cpus,
        modules=HOLD,
        typed=[
            (BOTH_RAN, OPEN),
            (PROMPT, "stop a\r"),
            ("command=stop", "stop b\r"),
            ("command=stop", "vms\r"),
            (LAST["vms"], "cpus\r"),
            (last_row("cpus", cpus), "vms\r"),
            (LAST["vms"], "cpus\r"),  # nothing runs: it idles, and looks at what is typed
            (last_row("cpus", cpus), "start b\r"),
            ("command=start[\\s\\S]*?name=b state=ended", "vms\r"),
            (LAST["vms"], "start a\r"),
        ],
        until=rf"command=start vm=a[\s\S]*?{BOTH_RAN}.*\n",
    )
    assert result.why == "until"
    assert (answers(result, "stop"), answers(result, "start")) == (["a", "b"], ["b", "a"])
    first, second, third = tables(result.console, "vms")
    assert {row["state"] for row in (*first.values(), *second.values())} == {"stopped"}
    assert first["a"]["cpu_ms"] == second["a"]["cpu_ms"] == third["a"]["cpu_ms"]
    assert third["a"]["state"] == "stopped" != third["b"]["state"]
    before, after = tables(result.console, "cpus")
    assert {cpu: row["entries"] for cpu, row in before.items()} == {
        cpu: row["entries"] for cpu, row in after.items()
    }
    assert int(after["0"]["idles"]) > int(before["0"]["idles"])
    assert "FAIL" not in result.console
    assert {record["status"] for record in result.all("vm", state="ended")} == {"0"}


def test_what_is_typed_gives_a_stopped_vm_no_turn(boot):
    result = boot(
        modules=[("hostile", f"name={name} mem=4M -- computes") for name in "ab"],
        typed=[
            (r"b state=started", OPEN),
            (PROMPT, "stop a\r"),
            ("command=stop", "focus a\r"),
            ("command=focus", "vms\r"),
            (LAST["vms"], OPEN),
            ("what is typed goes to a", "x" * 12 + OPEN),
            (PROMPT, "vms\r"),
            (LAST["vms"], "end a\r"),
            ("name=a state=ended", "end b\r"),
        ],
    )
    assert result.why == "ended"
    before, after = tables(result.console, "vms")
    assert before["a"]["state"] == after["a"]["state"] == "stopped"
    assert before["a"]["cpu_ms"] == after["a"]["cpu_ms"]


@pytest.mark.parametrize("cpus", CPUS)
def test_a_vm_is_reset_and_ended_also_while_it_is_stopped(boot, cpus):
    result = boot(
        cpus=cpus,
        modules=[
            ("fpu-hold", f"name=a mem=4M runs=2 -- rounds=2000 {ON_SEVERAL_CPUS}"),
            ("fpu-hold", f"name=b mem=4M -- rounds=2000 {ON_SEVERAL_CPUS}"),
        ],
        typed=[
            (r"b\| fpu: components", OPEN),
            (PROMPT, "reset b\r"),
            (r"state=reset[\s\S]*?b\| fpu: components", "stop a\r"),
            ("command=stop", "reset a\r"),
            ("name=a state=reset", "vms\r"),
            (LAST["vms"], "end a\r"),
            ("name=a state=started", "end a\r"),
            ("name=a state=ended", "end b\r"),
        ],
    )
    assert result.why == "ended" and result.status == 1
    assert (answers(result, "reset"), answers(result, "end")) == (["b", "a"], ["a", "a", "b"])
    ended = result.all("vm", state="ended")
    assert [record["name"] for record in ended] == ["a", "a", "b"]
    assert {(record["status"], record["cause"]) for record in ended} == {("1", "monitor")}
    assert tables(result.console, "vms")[0]["a"]["state"] in ("resetting", "stopped")
    after = result.console.partition("@vm name=a state=reset\n")[2]
    assert "a| " not in after.partition("@monitor command=end vm=a\n")[0]


@pytest.mark.parametrize("fifo", ["", "nofifo"])
def test_what_is_typed_goes_to_the_guest_that_has_the_focus(boot, fifo):
    result = boot(
        modules=[
            ("echo", f"name=e mem=4M -- {fifo}"),
            ("fpu-hold", f"name=b mem=4M -- rounds=2000 {ON_SEVERAL_CPUS}"),
        ],
        typed=[
            ("echo: ready", "focus e\r"),
            ("command=focus", "hello, guest\r"),
            ("echo: hello, guest", "fpu=lazy\r"),
            ("echo: fpu=lazy", OPEN),
            (PROMPT, "fpu=swap\r"),
            ("@policy", "focus none\r"),
            ("focus vm=none", "exit\r"),
            ("> exit", "fpu=scrub\r"),
            ("@policy", "focus e\r"),
            ("command=focus", "quit\r"),
            ("focus vm=none", "end b\r"),
        ],
    )
    assert result.why == "ended"
    echoed = [line for line in result.lines("e") if line.startswith("echo: ")]
    assert echoed == ["echo: " + text for text in ("ready", "hello, guest", "fpu=lazy", "quit")]
    assert "PASS echo" in result.lines("e")
    assert [record["fpu"] for record in result.all("policy")] == ["swap", "scrub"]
    assert answers(result, "focus") == ["e", "none", "e", "none"]
    assert result.one("vm", name="e", state="ended")["status"] == "0"


def test_what_a_guest_does_not_read_is_lost_and_told_of(boot):
    result = boot(
        modules=[("fpu-hold", f"name=a mem=4M -- rounds=9999 {ON_SEVERAL_CPUS}"), HOLD[1]],
        typed=[(r"b state=ended", "focus a\r"), ("command=focus", "x")]
        + [(r"\n", "x" * 16)] * 20,  # as much as a UART holds
        until="does not read its COM1.*\n",
    )
    assert result.why == "until"


OTHERS = [
    ("fpu-hold", f"name={name} mem=4M -- seed={seed} rounds=400 {ON_SEVERAL_CPUS}")
    for seed, name in enumerate("abcdef", 1)
]


@pytest.mark.parametrize(
    "cpus, policy",
    [
        (4, "lazy"),
        *[pytest.param(*both, marks=NIGHTLY) for both in ((2, "lazy"), (2, "auto"), (4, "auto"))],
    ],
)
def test_each_cpu_goes_offline_and_comes_back_and_nothing_is_lost(boot, cpus, policy):
    last = last_row("cpus", cpus)
    script = [(r"f\| fpu: components", OPEN), (PROMPT, "stop f\r"), ("command=stop", "cpus\r")]
    for cpu in range(cpus):
        script += [
            (last, f"cpu {cpu} offline\r"),
            (f"cpu={cpu} state=offline", "cpus\r"),
            (last, "fpu\r"),
            (last, "vcpus\r"),
            (r"[\r\n]f/0 .*\n", "cpus\r"),
            (last, f"cpu {cpu} online\r"),
            (f"cpu={cpu} state=online", "cpus\r"),
        ]
    script += [(last, "start f\r")]  # nobody else would have fetched it from where it was stopped
    result = boot(cpus=cpus, modules=OTHERS, opts=f"fpu={policy}", typed=script)
    assert result.status == 0
    assert "FAIL" not in result.console
    assert [(record["cpu"], record["state"]) for record in result.all("cpu-state")] == [
        (str(cpu), state) for cpu in range(cpus) for state in ("offline", "online")
    ]
    shown = tables(result.console, "cpus")
    assert len(shown) == 1 + 3 * cpus
    for cpu in range(cpus):
        number = str(cpu)
        gone, still, _ = shown[1 + 3 * cpu : 4 + 3 * cpu]
        assert gone[number]["state"] == still[number]["state"] == "offline"
        assert gone[number]["entries"] == still[number]["entries"]
        assert gone[number]["waiting"] == gone[number]["sleeping"] == "0"
        assert sum(int(row["entries"]) for row in still.values()) > sum(
            int(row["entries"]) for row in gone.values()
        )
        assert tables(result.console, "fpu")[cpu][number]["owner"] == "-"
        for row in tables(result.console, "vcpus")[cpu].values():
            assert number not in (row["at"], row["has"])
    ran = [result.one("fpu", cpu=cpu).number("entries") for cpu in range(cpus)]
    assert all(ran[cpu] > int(shown[3 * cpus - 1][str(cpu)]["entries"]) for cpu in range(cpus - 1))
    moves = [result.one("fpuctx", vm=name).number("moves") for name in "abcdef"]
    assert sum(moves) >= cpus


def test_a_cpu_that_somebody_needs_stays_online(boot):
    result = boot(
        cpus=2,
        modules=[
            ("fpu-hold", f"name=a mem=4M cpus=1 runs=1000 -- rounds=1 {ON_SEVERAL_CPUS}"),
            ("fpu-hold", f"name=b mem=4M -- rounds=2000 {ON_SEVERAL_CPUS}"),
        ],
        typed=[
            ("name=a state=ended", "cpu 1 offline\r"),
            ("ERROR.*\n", "cpu 0 offline\r"),
            ("state=offline", "end b\r"),  # the first CPU idles, and looks at what is typed
            ("cause=monitor", "cpu 1 offline\r"),
        ],
        until=r"ERROR[\s\S]*?ERROR.*\n",
    )
    assert result.why == "until"
    errors = re.findall(r"^ERROR: command cpu 1 offline: (.*)$", result.console, re.M)
    assert errors == [
        "VM a may run on no other CPU that is online",
        "it is the last CPU that is online",
    ]
    assert result.one("cpu-state").has(cpu=0, state="offline")


class Terminal:
    """tools/run on a pseudo terminal, as a person has it."""

    def __init__(self, **knobs):
        self.shown = b""
        self.pid, self.master = pty.fork()
        if not self.pid:
            os.chdir(ROOT)
            os.execve("tools/run", ["tools/run"], {**os.environ, **knobs})

    def wait_for(self, text, timeout=100):
        """Until it is shown, in what came after what was waited for before."""
        end = time.monotonic() + timeout
        while not (found := re.search(text, self.shown)):
            assert time.monotonic() < end, (text, self.shown[-2000:])
            if select.select([self.master], [], [], 1)[0]:
                self.shown += os.read(self.master, 4096)
        self.shown = self.shown[found.end() :]

    def type(self, text):
        os.write(self.master, text)

    def ends_with(self, timeout=60):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    os.read(self.master, 4096)
                except OSError:  # what Linux says once the other side is closed
                    pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
        return None

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGTERM)
            self.ends_with()
        os.close(self.master)


@pytest.fixture
def terminal():
    guest = "build/guest/echo.elf name=e mem=4M --"
    opened = Terminal(MACHINE="bochs", GUEST=guest, TIMEOUT="150")
    yield opened
    opened.close()


def test_on_a_terminal_the_monitor_opens_and_a_guest_is_typed_to(terminal):
    terminal.wait_for(rb"echo: ready")
    terminal.type(b"\x01")
    terminal.wait_for(rb"[\r\n]resident> $")
    for key in b"focus f":
        terminal.type(bytes([key]))
        terminal.wait_for(re.escape(bytes([key])))
    terminal.type(b"\x7fe")
    terminal.wait_for(rb"focus e$")
    terminal.type(b"\r")
    terminal.wait_for(rb"@monitor command=focus vm=e")
    terminal.type(b"\x01")
    terminal.wait_for(rb"what is typed goes to e")
    terminal.type(b"hello\r")
    terminal.wait_for(rb"e\| echo: hello")
    terminal.type(b"quit\r")
    terminal.wait_for(rb"@end status=0")
    assert terminal.ends_with() == 0


def test_ctrl_c_still_ends_the_boot_and_the_terminal_is_as_before(terminal):
    before = termios.tcgetattr(terminal.master)
    terminal.wait_for(rb"echo: ready")
    terminal.type(b"\x01")
    terminal.wait_for(rb"resident> ")
    assert not termios.tcgetattr(terminal.master)[3] & (termios.ICANON | termios.ECHO)
    terminal.type(b"\x03")
    assert terminal.ends_with() == 128 + signal.SIGINT
    assert termios.tcgetattr(terminal.master) == before

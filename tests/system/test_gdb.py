"""Debian's gdb debugs a guest over COM2: docs/gdb.md."""

import re
import shutil
import subprocess
import time

import pytest
from boot import kernel_path
from booting import bochs
from debugging import Wire, debug, gdb, wire
from guests import ON_SEVERAL_CPUS

pytestmark = pytest.mark.skipif(shutil.which("gdb") is None, reason="gdb is not installed")


def module(words="", options="", file="debuggee", name="a"):
    return (file, f"name={name} mem=8M {options} -- {words}")


@pytest.mark.parametrize("bits", ["", "32"])
def test_gdb_attaches_stops_at_a_breakpoint_and_reads(tmp_path, bits):
    guest = f"debuggee{bits}"
    result = debug(
        str(tmp_path),
        gdb(
            guest,
            [
                "p $pc == &start",
                "x/i $pc",
                "break stop_here",
                "continue",
                "info symbol $pc",
                "x/2xb &stop_here",
                "bt 2",
                "p ((long (*)(long, long)) add)(2, 3)",
                "delete",
                "continue",
            ],
        ),
        [module(file=guest)],
    )
    said = result.said
    assert "$1 = 1" in said and "cli" in said
    assert "Breakpoint 1, 0x" in said and "stop_here in section .text" in said
    assert "0xcc" not in said  # the breakpoint is not to be seen
    assert "$2 = 5" in said
    assert bits or "guest_main" in said  # of 32-bit code without frame pointers gdb knows no caller
    assert "exited normally" in said
    assert result.boot.status == 0
    assert not re.search("FAIL", result.boot.console)


def symbol(name, guest="debuggee"):
    text = subprocess.run(
        ["nm", kernel_path(guest)], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    return int(re.search(rf"^([0-9a-f]+) . {name}$", text, re.M)[1], 16)


# A 64-bit description's registers on a CPU with AVX-512, in the order of gdb's numbers.
LAYOUT = [("general", 16, 8), ("rip", 1, 8), ("rflags", 1, 4), ("selector", 6, 4), ("st", 8, 10)]
LAYOUT += [("control", 8, 4), ("xmm", 16, 16), ("mxcsr", 1, 4), ("base", 2, 8), ("ymmh", 16, 16)]
LAYOUT += [("k", 8, 8), ("zmmh", 16, 32), ("xmm+", 16, 16), ("ymmh+", 16, 16), ("zmmh+", 16, 32)]
LAYOUT += [("system", 6, 8)]


def registers(text):
    """{kind: [bytes of each]} of the reply to `g`."""
    data, found = bytes.fromhex(text), {}
    for kind, count, size in LAYOUT:
        found[kind] = [data[i * size : (i + 1) * size] for i in range(count)]
        data = data[count * size :]
    assert not data
    return found


def number_of(kind, index=0):
    return sum(count for name, count, _ in LAYOUT[: [n for n, _, _ in LAYOUT].index(kind)]) + index


def memory(line, address, length):
    return bytes.fromhex(line.ask(f"m{address:x},{length:x}"))


def expect_pattern(line, have):
    """What tests/guest/support/fpu.h put into the registers is in the guest's memory too."""
    want = memory(line, symbol("pattern"), 2624)
    assert have["mxcsr"][0] == want[24:28]
    for i in range(8):
        assert have["st"][i] == want[32 + 16 * i : 42 + 16 * i]
        assert have["k"][i] == want[2560 + 8 * i : 2568 + 8 * i]
    assert int.from_bytes(have["control"][0], "little") == int.from_bytes(want[0:2], "little")
    for i in range(32):
        vector = [have[kind + ("+" if i > 15 else "")][i % 16] for kind in ("xmm", "ymmh", "zmmh")]
        assert b"".join(vector) == want[512 + 64 * i : 576 + 64 * i], f"zmm{i}"


def over_breakpoint(line, address):
    """As gdb does it: without the breakpoint, by a step."""
    assert line.ask(f"z0,{address:x},1") == "OK"
    assert line.ask("vCont;s:1") == "T05thread:1;"
    assert line.ask(f"Z0,{address:x},1") == "OK"


OWNERSHIP = "saves loads nm preloads samples scrubs flushes xcr0 ts_writes bytes".split()


def ownership(result):
    found = [result.boot.one("fpu", cpu=0), result.boot.one("fpuctx", vm="a")]
    return [{key: record[key] for key in OWNERSHIP if key in record} for record in found]


RARER = [pytest.param(name, marks=pytest.mark.nightly) for name in ("scrub", "eager", "unload", "swap")]


@pytest.mark.parametrize("policy", ["lazy", "auto", *RARER])
def test_fpu_registers_are_read_where_they_are_and_stay_there(tmp_path, policy):
    needs_stepping()

    def talk(reads):
        def to_the_end(line):
            line.ask("qSupported:")
            assert line.ask(f"Z0,{symbol('stop_here'):x},1") == "OK"
            for _ in range(3):
                assert line.ask("c") == "T05thread:1;swbreak:;"
                over_breakpoint(line, symbol("stop_here"))
                if reads:
                    expect_pattern(line, registers(line.ask("g")))
                    expect_pattern(line, registers(line.ask("g")))
            return line.ask("c")

        return wire(to_the_end)

    results = []
    for reads in (False, True):
        work = tmp_path / str(reads)
        work.mkdir()
        results.append(debug(str(work), talk(reads), [module()], f"gdb=a fpu={policy}"))
        assert results[-1].said == "W00"
        assert results[-1].boot.status == 0
    assert ownership(results[0]) == ownership(results[1])


@pytest.mark.parametrize("policy", ["lazy", "swap"])
def test_fpu_registers_are_written(tmp_path, policy):
    def talk(line):
        line.ask("qSupported:")
        line.ask(f"Z0,{symbol('stop_here'):x},1")
        line.ask("c")
        value = "5a" * 15 + "a5"
        assert line.ask(f"P{number_of('xmm', 3):x}={value}") == "OK"
        assert line.ask(f"P{number_of('mxcsr'):x}=a05f0000") == "OK"
        assert line.ask(f"P{number_of('mxcsr'):x}=ffffffff") == "E16"
        assert line.ask(f"P{number_of('system'):x}=0000000000000000") == "E16"
        have = registers(line.ask("g"))
        assert have["xmm"][3].hex() == value and have["mxcsr"][0].hex() == "a05f0000"
        line.ask(f"z0,{symbol('stop_here'):x},1")
        return line.ask("c")

    result = debug(str(tmp_path), wire(talk), [module("changed rounds=1")], f"gdb=a fpu={policy}")
    assert result.said == "W00"
    assert "mxcsr 0x5fa0, xmm3 5aa5" in result.boot.console


def needs_stepping():
    if bochs().has("monitor-trap-lost"):
        pytest.skip("this Bochs has no monitor trap flag that works")


def test_steps_are_one_instruction_each_and_interrupts_wait(tmp_path):
    needs_stepping()
    steps = ["x/i $pc", "stepi"] * 8
    result = debug(
        str(tmp_path),
        gdb("debuggee", ["break step_here", "continue", "delete", *steps, "p *(int *) &ticks", "continue"]),
        [module()],
    )
    shown = re.findall(r"=> 0x\w+ <step_here(?:\+\d+)?>:\t(\w+)", result.said)
    assert shown == ["nop", "xor", "xor", "cpuid", "mov", "in", "mov", "ret"]
    assert "$1 = 0" in result.said  # it was due while gdb spoke, and comes afterwards
    assert "exited normally" in result.said


def test_hardware_breakpoints_and_watchpoints(tmp_path):
    needs_stepping()
    result = debug(
        str(tmp_path),
        gdb(
            "debuggee",
            [
                "hbreak add",
                "continue",
                "watch *(int *) &watched",
                "rwatch *(int *) &own_breakpoints",
                "continue",
                "continue",
                "continue",
                "continue",
                "continue",
                "continue",
                "continue",
                "continue",
            ],
        ),
        [module()],
    )
    assert "Breakpoint 1, 0x" in result.said and "in add ()" in result.said
    changes = re.findall(r"Old value = (\d)\nNew value = (\d)", result.said)
    assert changes == [("0", "1"), ("1", "2"), ("2", "3")]
    assert re.search(r"read watchpoint 3.*\n\nValue = 0", result.said)
    lines = result.boot.lines("a")
    assert "PASS debug-registers" in lines and "PASS own-breakpoint" in lines


def test_a_step_that_meets_a_watchpoint_says_so(tmp_path):
    needs_stepping()

    def talk(line):
        line.ask("qSupported:")
        line.ask(f"Z0,{symbol('write_watched'):x},1")
        assert line.ask("c") == "T05thread:1;swbreak:;"
        line.ask(f"z0,{symbol('write_watched'):x},1")
        assert line.ask(f"Z2,{symbol('watched'):x},4") == "OK"
        steps = 0
        while (said := line.ask("vCont;s:1")) == "T05thread:1;":
            assert memory(line, symbol("watched"), 4) == bytes(4)
            steps += 1
            assert steps < 10
        assert said == f"T05thread:1;watch:{symbol('watched'):x};"
        assert memory(line, symbol("watched"), 4) == b"\1\0\0\0"
        line.ask(f"z2,{symbol('watched'):x},4")
        return line.ask("c")

    result = debug(str(tmp_path), wire(talk), [module()])
    assert result.said == "W00"
    assert "PASS own-steps" in result.boot.lines("a")  # none by the watchpoint that is gone


def test_steps_give_no_trap_to_a_guest_that_steps_itself(tmp_path):
    needs_stepping()

    def talk(line):
        line.ask("qSupported:")
        line.ask(f"Z0,{symbol('step_itself_here'):x},1")
        line.ask("c")
        line.ask(f"z0,{symbol('step_itself_here'):x},1")
        for _ in range(8):
            assert line.ask("vCont;s:1") == "T05thread:1;"
        return line.ask("c")

    result = debug(str(tmp_path), wire(talk), [module()])
    assert result.said == "W00"
    assert "PASS own-steps" in result.boot.lines("a")


def test_a_breakpoint_is_met_in_a_page_whose_accessed_flag_is_clear(tmp_path):
    def talk(line):
        line.ask("qSupported:")
        line.ask(f"Z0,{symbol('stop_here'):x},1")
        assert line.ask("c") == "T05thread:1;swbreak:;"
        line.ask(f"z0,{symbol('stop_here'):x},1")
        return line.ask("c")

    result = debug(str(tmp_path), wire(talk), [module("aged rounds=1")])
    assert result.said == "W00"


def test_gdb_that_comes_again_finds_nothing_of_one_that_went_without_a_word(tmp_path):
    def client(port):
        first = Wire(port)
        first.ask("qSupported:")
        first.ask("QStartNoAckMode")
        first.ask(f"Z0,{symbol('stop_here'):x},1")
        assert first.ask("c") == "T05thread:1;swbreak:;"
        first.socket.close()
        second = Wire(port)
        second.raw(b"+")
        second.send("qSupported:")
        assert second.byte() == b"+"
        assert second.packet().startswith("PacketSize=")
        assert second.ask("?") == "T05thread:1;swbreak:;"
        return second.ask("c")

    result = debug(str(tmp_path), client, [module()])
    assert result.said == "W00"


def test_after_kill_the_next_run_goes_on_without_gdb(tmp_path):
    def talk(line):
        line.ask("qSupported:")
        line.ask(f"Z0,{symbol('stop_here'):x},1")
        line.ask("c")
        return line.ask("vKill;1")

    others = [("integer", f"name={name} mem=4M -- rounds=5") for name in "bcde"]
    result = debug(str(tmp_path), wire(talk), [module(options="runs=2"), *others])
    ends = [record["cause"] for record in result.boot.all("vm", name="a", state="ended")]
    assert ends == ["gdb", "exit-port"]


def test_ctrl_c_stops_memory_is_written_and_detach_lets_it_run(tmp_path):
    def talk(line):
        line.ask("qSupported:")
        line.send("c")
        time.sleep(2)
        line.raw(b"\x03")
        assert line.packet() == "T02thread:1;"
        rip = int.from_bytes(registers(line.ask("g"))["rip"][0], "little")
        assert symbol("spin_here") <= rip < symbol("spin_here") + 32
        assert line.ask(f"M{symbol('released'):x},4:01000000") == "OK"
        assert memory(line, symbol("released"), 4) == b"\1\0\0\0"
        return line.ask("D")

    result = debug(str(tmp_path), wire(talk), [module("spin")])
    assert result.said == "OK"
    assert result.boot.status == 0


def test_kill_ends_the_vm(tmp_path):
    result = debug(str(tmp_path), gdb("debuggee", ["kill"]), [module("spin")])
    assert result.boot.one("vm", name="a", state="ended").has(status=1, cause="gdb")


@pytest.mark.parametrize(
    "words, says", [("status=3", "exited with code 03"), ("die", "terminated with signal SIGKILL")]
)
def test_gdb_hears_how_the_vm_ends(tmp_path, words, says):
    result = debug(str(tmp_path), gdb("debuggee", ["continue"]), [module(words)])
    assert says in result.said


def test_a_reset_stops_it_at_its_first_instruction(tmp_path):
    result = debug(
        str(tmp_path),
        gdb("debuggee", ["break stop_here", "continue", "info symbol $pc", "continue", "delete", "c"]),
        [module("reset")],
    )
    assert "start in section .text" in result.said
    assert "Breakpoint 1, 0x" in result.said
    assert "exited normally" in result.said


def test_malformed_packets_do_no_harm(tmp_path):
    def talk(line):
        line.raw(b"garbage#00+-$$m#")
        line.raw(b"$g#00")
        while (got := line.byte()) != b"-":
            assert got in b"+-"
        assert line.ask("qSupported:").startswith("PacketSize=2000;")
        for text in ("m", "m,", "mzz,4", "m0", "Mffffffffffffffff,4:00", "Z0", "Z9,0,0", "Z0,", "p",
                     "pffffffffff", "P", "P1", "P0=zz", "G00", "Hgzz", "Hg7", "T99", "vCont;q", "vCont",
                     "vCont;s:9", "c12345678901234567", "X0,8:ab", "qXfer:features:read:target.xml:z",
                     "qXfer:features:read:other.xml:0,10", "Hg-", "vCont;", "vKill", "qRcmd,zz", "zzz"):
            assert line.ask(text) in ("", "E16", "E0e"), text
        assert line.ask("x" * 9000) == "E07"
        assert line.ask("mfffffffffffffff0,100") == "E0e"
        assert line.ask("qXfer:features:read:target.xml:ffffffff,ffffffff") == "l"
        assert line.ask("?") == "T05thread:1;"
        assert line.ask("QStartNoAckMode") == "OK"
        line.raw(b"$?#00")  # damaged, and nobody asks for it again
        assert line.ask("g")
        return line.ask("c")

    result = debug(str(tmp_path), wire(talk), [module()])
    assert result.said == "W00"


def test_others_run_on_while_it_stands_still(tmp_path):
    def talk(line):
        line.ask("qSupported:")
        time.sleep(4)
        return line.ask("c")

    result = debug(str(tmp_path), wire(talk), [module(), ("integer", "name=b mem=4M -- rounds=20")])
    assert result.said == "W00"
    ends = [record["name"] for record in result.boot.all("vm", state="ended")]
    assert ends == ["b", "a"]


def test_what_no_vm_is_called_is_warned_of(boot):
    result = boot(opts="gdb=nobody", modules=[module(), ("integer", "name=b mem=4M -- rounds=1")])
    assert result.status == 0
    assert "option gdb=nobody is ignored: accepted is the name of a VM: a, b" in result.console


def test_without_gdbwait_it_starts_at_once(tmp_path):
    def talk(line):
        line.raw(b"$damaged#00")  # stops nothing, and is answered once the VM may run
        assert line.byte() == b"-"
        time.sleep(2)
        line.ask("qSupported:")
        rip = int.from_bytes(registers(line.ask("g"))["rip"][0], "little")
        line.ask(f"M{symbol('released'):x},4:01000000")
        line.send("k")
        return rip

    result = debug(str(tmp_path), wire(talk), [module("spin")], "gdb=a gdbwait=off")
    assert result.said != symbol("start")


@pytest.mark.parametrize("cpus", [1, 2])
def test_vcpus_are_threads_and_stop_together(tmp_path, cpus):
    guest = "smp"
    words = f"cpus=2 {ON_SEVERAL_CPUS}" if cpus > 1 else "cpus=2"
    commands = ["info threads", "break report_end", "continue", "info threads"]
    commands += ["thread apply all info registers rip rsp", "thread 2", "p $cs", "delete", "continue"]
    result = debug(
        str(tmp_path), gdb(guest, commands), [(guest, f"name=a mem=16M vcpus=2 -- topic=start {words}")], cpus=cpus
    )
    assert "Thread 2 (a vCPU 1: not started)" in result.said
    assert "hit Breakpoint 1" in result.said
    stacks = re.findall(r"^rsp +(0x\w+)", result.said, re.M)
    assert len(set(stacks)) == 2
    assert "exited normally" in result.said
    assert result.boot.status == 0


def test_a_vcpu_is_started_by_one_that_runs_alone(tmp_path):
    needs_stepping()
    sends = symbol("apic_send", "smp")

    def talk(line):
        line.ask("qSupported:")
        for message in (0x500, 0x600):  # INIT, and the start-up message
            line.ask(f"Z0,{sends:x},1")
            line.ask("c")
            icr = int.from_bytes(registers(line.ask("g"))["general"][4], "little")
            assert icr & 0x700 == message
            line.ask(f"z0,{sends:x},1")
            line.ask("vCont;s:1")
        return line.ask("vCont;c:1")

    words = "name=a mem=16M vcpus=2 -- topic=start cpus=2"
    result = debug(str(tmp_path), wire(talk), [("smp", words)], timeout=60)
    assert result.said == "W00"

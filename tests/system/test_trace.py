"""trace=on: every FPU decision is recorded, in order, and off it costs next to nothing."""

import re
import subprocess
from collections import Counter
from os.path import join

import pytest
from booting import BUILD
from fpu_workloads import window

HOLD = [
    ("fpu-hold", f"name={name} mem=4M control=on -- yields=20 snapshot seed={seed}")
    for seed, name in enumerate("ab", 1)
]
ALONE = [("workload", "name=a mem=4M control=on -- turns=200 uses=1")]
IN_TURNS = [
    ("workload", "name=a mem=4M control=on -- turns=50 uses=1 exits=1 peers=2"),
    ("workload", "name=b mem=4M control=on -- uses=1 exits=1 peers=2"),
]
ENTRY_BYTES = 24
ONE_LOOK = 100  # instructions, more than the hypervisor needs to look at COM1 once
POLICIES = ["lazy", "scrub", "eager", "unload", "swap", "auto"]


def traced(boot, policy, modules=(), more=""):
    result = boot(
        opts=f"fpu={policy} trace=on stats=off {more}".strip(), modules=modules or HOLD, timeout=300
    )
    assert result.status == 0
    return result


def who(record):
    return f"{record['vm']}/{record['vcpu']}" if "vcpu" in record else "host"


@pytest.mark.parametrize("policy", POLICIES)
def test_events_agree_with_the_counters(boot, policy):
    result = traced(boot, policy)
    end = result.one("trace-end", cpu=0)
    events = result.all("trace")
    assert (end["lost"], end.number("events")) == ("0", len(events))
    counted = Counter(event["event"] for event in events)
    cpu = [record for record in result.all("fpu", cpu=0) if "snapshot" not in record][0]
    for event, counter in {
        "nm": "nm",
        "save": "saves",
        "load": "loads",
        "scrub": "scrubs",
        "host": "host",
        "host-end": "host",
    }.items():
        assert counted[event] == cpu.number(counter), event
    for vm in "ab":
        own = Counter(event["event"] for event in result.all("trace", vm=vm))
        context = result.one("fpuctx", vm=vm)
        for event, counter in {"nm": "nm", "save": "saves", "load": "loads"}.items():
            assert own[event] == context.number(counter), (vm, event)


@pytest.mark.parametrize("policy", POLICIES)
def test_each_event_names_the_owner_that_the_events_before_it_left(boot, policy):
    owner, last = "none", 0
    for event in traced(boot, policy).all("trace"):
        assert event["owner"] == owner, event
        assert event.number("tsc") > last
        last = event.number("tsc")
        if event["event"] in ("load", "host"):
            owner = who(event)
        elif event["event"] in ("scrub", "drop"):
            owner = "none"
        if event["event"] == "save":
            assert who(event) == owner


def test_lazy_two_guests_take_the_registers_from_each_other_turn_by_turn(boot):
    events = [
        (event["event"], who(event), event["owner"])
        for event in traced(boot, "lazy", IN_TURNS).all("trace")
    ]

    def turn(vm, other):
        return [
            ("run", vm, other),
            ("arm", vm, other),
            ("nm", vm, other),
            ("save", other, other),
            ("load", vm, other),
            ("open", vm, vm),
        ]

    wanted = (turn("a/0", "b/0") + turn("b/0", "a/0")) * 50
    assert any(events[i : i + len(wanted)] == wanted for i in range(len(events)))


def test_residue_is_of_the_owners_domain_or_initial(boot):
    result = traced(boot, "scrub")
    started = {"none": "0", "host": "1", "a/0": "2", "b/0": "3"}
    events = result.all("trace")
    assert {event["residue"] for event in events} == set(started.values())
    for event in events:
        if event["owner"] != "none":
            assert event["residue"] == started[event["owner"]], event


def test_an_idle_cpu_is_recorded(boot):
    result = traced(boot, "lazy", [("fpu-hold", "name=a mem=4M -- rounds=20 via=hlt")])
    states = [e["event"] for e in result.all("trace") if e["event"] in ("run", "idle")]
    assert states.count("idle") == result.one("cpu", cpu=0).number("idles") > 0
    assert all(pair != ("run", "run") for pair in zip(states, states[1:]))  # there is only one


def test_off_there_are_no_records_and_no_memory_is_taken(boot):
    off, on = (
        boot(opts=f"stats=off trace={trace} tracesize=1048576", modules=[("integer", "mem=9999M")])
        for trace in ("off", "on")
    )
    free_off, free_on = (
        int(re.search(r"\((\d+)M free\)", result.console)[1]) for result in (off, on)
    )
    assert free_off - free_on == ENTRY_BYTES  # MiB: for 2^20 entries
    assert not any(record.kind.startswith("trace") for record in off.records)
    assert on.one("trace-end", cpu=0)["size"] == "1048576"


def test_a_ring_too_large_for_the_machine_is_made_smaller_with_a_warning(boot):
    result = traced(boot, "lazy", [("integer", "name=a mem=2M -- rounds=1")], "tracesize=1048576")
    assert "memory is short" not in result.console
    result = boot(
        memory=32,
        opts="trace=on tracesize=1048576 stats=off",
        modules=[("integer", "name=a mem=2M -- rounds=1")],
    )
    assert result.status == 0
    size = result.one("trace-end", cpu=0).number("size")
    assert size < 1 << 20
    assert f"memory is short: the ring of CPU 0 has {size} entries, not 1048576" in result.console


def test_a_full_ring_keeps_the_newest_and_says_how_many_were_lost(boot):
    # options of one length: the two boots run alike, to the tick
    full = traced(boot, "lazy", more="tracesize=65536").all("trace")
    result = traced(boot, "lazy", more="tracesize=00100")
    end = result.one("trace-end", cpu=0)
    assert end.number("size") == 100
    assert end.number("events") == len(full)
    assert end.number("lost") == len(full) - 100
    assert [(e["event"], who(e)) for e in result.all("trace")] == [
        (e["event"], who(e)) for e in full[-100:]
    ]


def test_a_panic_prints_the_last_events(boot):
    result = boot(opts="crash=section trace=on")
    assert result.status == 1
    assert "assertion failed: !cpu->in_host_section" in result.console
    after = result.console.split("the last FPU events of CPU 0:")[1]
    assert re.match(r"\n@trace tsc=\d+ cpu=0 vm=host event=host owner=none ", after)
    assert "last FPU events" not in boot(opts="crash=section").console


def test_on_or_off_a_resident_guest_runs_as_many_instructions(boot):
    """On Bochs a tick is an instruction: the trace has no part in entering it again. Its part in
    what comes before moves the looks at COM1, so that one more or less falls among the 1,600
    entries; in a slice as long as this no turn ends. All that was printed at the start has gone
    out before."""
    one_turn = "slice=100000"
    later = [("workload", "name=a mem=4M control=on -- turns=200 uses=1 settle=2000")]
    off = boot(opts=f"fpu=lazy stats=off {one_turn}", modules=later)
    on = traced(boot, "lazy", later, more=one_turn)
    assert abs(window(off.console)["ticks"] - window(on.console)["ticks"]) < ONE_LOOK
    cpu = on.one("fpu", cpu=0)
    assert cpu.number("resident") > 1600
    assert len(on.all("trace", vm="a")) < 20


def test_a_recorded_decision_costs_less_than_a_hundred_instructions(boot):
    off = boot(opts="fpu=lazy stats=off", modules=IN_TURNS)
    on = traced(boot, "lazy", IN_TURNS)
    decisions = 50 * 2 * 6  # as in the test of turns above
    cost = window(on.console)["ticks"] - window(off.console)["ticks"]
    assert 0 < cost < 100 * decisions


@pytest.mark.parametrize("function", ["fpu_hw_trace", "fpu_trace"])
def test_off_a_decision_costs_a_call_that_tests_one_flag(function):
    code = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", f"--disassemble={function}"]
        + [join(BUILD, "resident.elf")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    body = code.split(f"<{function}>:\n")[1]
    names = [line.split("\t")[1].split()[0] for line in body.splitlines() if "\t" in line]
    assert names[:3] == ["cmpb", "jne", "ret"]

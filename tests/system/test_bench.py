"""`make bench` and `make profile`: what operations cost, against tests/bench/baseline. Here all
tests alone, and the switches beside 64 VMs; the rows beside 4 and 16, and the other tests beside
64, are left to `make bench`, and so are more CPUs than two."""

import dataclasses
import os
import re
import subprocess

import bench_baseline
import bench_cpus
import bench_docs
import bench_runs
import bench_trace
import pytest
from bench_baseline import ACCESSES, FIGURES, Baseline
from bench_runs import BenchError, Row, Run
from bench_trace import Cost, Instruction, TraceError
from booting import ROOT
from records import Record

IMAGE = bench_trace.Image(bench_runs.IMAGE)
SHORT = ("vmcall", "in-lsr", "out-scratch", "rdmsr-efer", "wrmsr-efer", "wrmsr-star", "xsetbv")
SHORT += ("mov-cr0-ne",)


@pytest.mark.parametrize("run", bench_runs.short_runs() + bench_cpus.moves(), ids=str)
def test_no_operation_costs_more_than_its_baseline(boot, run):
    baseline = bench_baseline.read()
    figures, why = bench_baseline.judged(baseline)
    rows = run.rows(boot(**run.boot), IMAGE)
    if not figures:
        pytest.skip(why)
    found = bench_baseline.compare(baseline, rows, figures)
    assert not found.worse
    assert not found.new


def test_auto_costs_an_entry_what_lazy_does(boot):
    """Of a guest that is armed or open, and that keeps its turn: three instructions more at most."""
    names = ("cpuid-0", "cpuid-0-open", "timer-due", "preempt")
    words = "control=on -- only=" + ",".join(names)
    found = {}
    for policy in ("lazy", "auto"):
        result = boot(opts=f"stats=off fpu={policy}", modules=[("bench", f"name=bench mem=40M {words}")])
        assert result.status == 0
        rows = bench_runs.guest_records(result)
        found[policy] = {row["name"]: row.number("instructions") for row in rows}
    for name in names:
        assert found["auto"][name] <= found["lazy"][name] + 3, name


def test_a_switch_and_a_turn_cost_the_same_beside_4_vms_and_beside_64():
    rows = bench_baseline.read().rows
    for name in ("turn", "switch-no-fpu", "switch-resident", "switch-load", "preempt", "yield"):
        assert rows[name, 64, 1].instructions <= 1.05 * rows[name, 4, 1].instructions, name


def test_the_short_way_is_as_short_as_it_is_said_to_be():
    """80 instructions in root mode for CPUID, 120 for the others; docs/bench.md has the rest."""
    rows = bench_baseline.read().rows
    for name in ("cpuid-0", "cpuid-0-open"):
        row = rows[name, 1, 1]
        assert (row.root <= 80, row.vmreads, row.vmwrites) == (True, 5, 1), row
    for name in SHORT:
        assert rows[name, 1, 1].root <= 120, name


def test_the_short_way_costs_each_of_two_cpus_what_it_costs_one_alone(boot):
    """In instructions of root mode and VMCS accesses, each for itself."""
    names = ("cpuid-0", "vmcall", "out-scratch", "wrmsr-efer", "cpuid-0-open")
    alone, pair = Run(names, 1), bench_cpus.Flat(2, names)
    rows = {row.name: row for row in alone.rows(boot(**alone.boot), IMAGE)}
    for name, rounds in pair.costs(boot(**pair.boot), IMAGE).items():
        one = Cost(rows[name].root, rows[name].vmreads, rows[name].vmwrites)
        assert [bench_trace.cost(each) for each in rounds] == [one, one], name


def test_the_short_way_is_flat_from_one_cpu_to_eight():
    rows = bench_baseline.read().rows
    for name in ("cpuid-0", "cpuid-0-open", *SHORT):
        assert len({rows[name, n, n].root for n in (1, *bench_cpus.COUNTS)}) == 1, name


def test_the_figures_repeat_to_the_tick(boot, tmp_path):
    run = bench_runs.host_run(1)
    again = bench_runs.measure(run, str(tmp_path))
    assert again == run.rows(boot(**run.boot), IMAGE)


def test_what_the_guest_counts_is_what_the_trace_shows(boot):
    """The guest's own instructions are a few: the call's operands, and the operation itself. Of
    timer-due it sees the longest gap alone, and may run between the two exits."""
    run = Run(tuple(bench_runs.ALWAYS), 1)
    for row in run.rows(boot(**run.boot), IMAGE):
        least = row.root // 2 if row.name == "timer-due" else row.root
        assert least <= row.instructions <= row.root + 20, row


def test_the_baseline_has_every_row_of_make_bench():
    wanted = {
        (name, run.vms, run.cpus)
        for run in bench_runs.all_runs() + bench_cpus.all_runs()
        for name in run.tests
        if name != "nothing"
    }
    assert set(bench_baseline.read().rows) == wanted


def test_the_page_has_the_figures_of_the_baseline():
    peers = {name: rows for name in bench_docs.PEERS if (rows := bench_docs.peer_rows(name))}
    with open(bench_docs.DOCS, encoding="ascii") as file:
        assert file.read() == bench_docs.text(bench_baseline.read(), peers)


def test_the_tool_describes_the_guests_table():
    with open(os.path.join(ROOT, "tests/guest/bench_tests.c"), encoding="ascii") as file:
        table = file.read().partition("bench_tests[] = {")[2].partition("};")[0]
    rows = re.findall(r'\{"([a-z0-9-]+)",\s*([A-Z0-9_ |]+)', table)
    assert [n for n, needs in rows if "NAMED" not in needs] == list(bench_runs.ALWAYS)
    assert {n for n, needs in rows if "NAMED" in needs} == set(bench_runs.NAMED)


# The parser of traces, on lines of Bochs 3.1.


class FakeImage:
    """Text at 200000h: two functions."""

    def holds(self, address):
        return 0x200000 <= address < 0x201000

    def function(self, address):
        return (0x200000, "first") if address < 0x200100 else (0x200100, "second")


STOP = "(0) Magic breakpoint\nNext at t=10\n(0) [0xbf04] 0018:104580 (unk. ctxt): nop ; 90\n"


def line(address, text):
    where = f"[0x{address:012x}] 0008:{address:016x} (unk. ctxt)"
    return f"(0).[74469344] {where}: {text:25} ; 0f78c0\n"


def trace(*windows):
    text = STOP + line(0x200000, "vmread rax, rax")  # outside of any window
    for window in windows:
        text += "Tracing enabled for CPU0\n" + "".join(line(*i) for i in window)
        text += STOP + "Tracing disabled for CPU0\n"
    return text.splitlines(True)


ROUND = [
    (0xBF046E5, "cpuid"),
    (0x200100, "push rdi"),
    (0x200101, "mov eax, 0x00004402"),
    (0x200106, "vmread rax, rax"),
    (0x200000, "mov edx, 0x0000681e"),
    (0x200005, "vmwrite rdx, rax"),
    (0x200108, "vmresume"),
    (0xBF046E7, "vmread rax, rax"),
]


def test_a_window_holds_what_ran_in_the_hypervisors_text():
    found = bench_trace.windows(trace(ROUND, ROUND[:2]), FakeImage())
    assert [bench_trace.cost(window) for window in found] == [Cost(6, 1, 1), Cost(1, 0, 0)]
    assert found[0][0] == Instruction(0x200100, "push rdi")


def test_functions_come_in_the_order_of_the_path():
    (window,) = bench_trace.windows(trace(ROUND), FakeImage())
    assert bench_trace.by_function(window, FakeImage()) == [
        ((0x200100, "second"), Cost(4, 1, 0)),
        ((0x200000, "first"), Cost(2, 0, 1)),
    ]


def test_a_field_is_named_by_the_constant_that_was_moved_into_its_register():
    names = {0x4402: "EXIT_REASON", 0x681E: "GUEST_RIP"}
    (window,) = bench_trace.windows(trace(ROUND), FakeImage())
    found = bench_trace.fields(window, names)
    assert found == [("vmread", "EXIT_REASON"), ("vmwrite", "GUEST_RIP")]
    overwritten = [*window[:2], Instruction(0x200103, "add eax, ecx"), window[2]]
    assert bench_trace.fields(overwritten, names) == [("vmread", "?")]


@pytest.mark.parametrize("cut", ["Tracing enabled", "Tracing disabled"])
def test_a_trace_that_was_cut_is_an_error(cut):
    lines = [text for text in trace(ROUND) if not text.startswith(cut)]
    with pytest.raises(TraceError):
        bench_trace.windows(lines, FakeImage())


def test_of_several_cpus_each_has_its_windows():
    def on(cpu, address, text):
        return line(address, text).replace("(0)", f"({cpu})")

    mark = (0xBF04660, "xchg cx, cx")
    lines = [on(1, *mark), on(1, 0x200000, "vmread rax, rax"), on(0, *mark), on(1, *mark)]
    lines += [on(0, 0x200001, "nop"), on(1, 0x200002, "nop"), on(0, *mark)]
    found = [bench_trace.marked(e) for e in bench_trace.of_each_cpu(lines, FakeImage(), 2)]
    assert [[bench_trace.cost(w) for w in windows] for windows in found] == [
        [Cost(1, 0, 0)],
        [Cost(1, 1, 0)],
    ]


def test_a_call_ends_with_its_own_return_and_a_wait_is_left_out():
    words = "push; call; pause; ret; pause; mov; ret; ret".split("; ")
    executed = [Instruction(0x200000 + n, word) for n, word in enumerate(words)]
    (call,) = bench_trace.calls(executed, 0x200000)
    assert call == executed[:7]
    assert [i.text for i in bench_trace.without_waiting(call)] == ["push", "call", "mov", "ret"]
    assert bench_trace.without_waiting(call[:2]) == call[:2]
    assert not bench_trace.calls(executed[:6], 0x200000)


def test_of_traced_rounds_the_undisturbed_one_counts():
    disturbed, plain, longer = ([Instruction(0x200000, "nop")] * n for n in (700, 440, 452))
    assert bench_runs.typical([disturbed, plain, longer], 450) is plain
    assert bench_runs.typical([disturbed, longer, longer], 450) is longer


def counted(name, instructions):
    values = {"name": name, "vms": "4", "instructions": str(instructions), "mean": "500"}
    return Record("bench", values)


def test_a_row_of_all_turns_is_one_turn():
    run = Run(("turn",), 4, traced=1, turns=4)
    window = [Instruction(0x200000, "vmread rax, rax")] * 8
    (row,) = bench_runs.join(run, [counted("turn", 402)], [window])
    assert (row.instructions, row.root, row.vmreads) == (101, 2, 2)


def test_what_was_not_measured_is_an_error():
    run = Run(("cpuid-0",), 1, traced=1)
    with pytest.raises(BenchError):
        bench_runs.join(run, [], [])
    with pytest.raises(BenchError):
        bench_runs.join(run, [counted("cpuid-0", 400)], [[], []])
    with pytest.raises(BenchError):
        bench_runs.join(Run(("nothing",), 1, traced=1), [counted("nothing", 1)], [[]])


# The comparison.


def compared(figures=FIGURES, **changed):
    old = Row("cpuid-0", 1, 400, 410, 395, 8, 2)
    new = dataclasses.replace(old, **changed)
    return bench_baseline.compare(Baseline("m", "c", {old.key: old}), [new], figures)


@pytest.mark.parametrize("changed", [{"vmreads": 9}, {"vmwrites": 3}, {"instructions": 409}])
def test_one_access_more_or_two_per_cent_more_instructions_is_worse(changed):
    found = compared(**changed)
    assert [(name, where) for (name, _), where in found.worse.items()] == [("cpuid-0", ["vms=1"])]
    assert not found.better and not found.same


def test_less_is_better_and_a_little_more_is_the_same():
    assert len(compared(instructions=399, vmreads=7).better) == 1
    assert compared(instructions=408).same == compared().same == 1
    both = compared(instructions=80, vmwrites=3)
    assert both.better and both.worse


def test_another_compilers_instructions_are_not_judged_and_its_accesses_are():
    assert compared(ACCESSES, instructions=900).same == 1
    assert compared(ACCESSES, vmreads=9).worse
    baseline = Baseline(bench_baseline.machine(), "gcc 1", {})
    assert bench_baseline.judged(baseline)[0] == ACCESSES
    baseline.compiler = bench_baseline.compiler()
    assert bench_baseline.judged(baseline) == (FIGURES, "")
    baseline.machine = "Bochs 2.7"
    assert not bench_baseline.judged(baseline)[0]


def test_the_baseline_is_read_as_it_was_written(tmp_path):
    rows = [Row("cpuid-0", 1, 400, 410, 395, 8, 2), Row("turn", 64, 900, 910, 890, 10, 2, 8)]
    bench_baseline.write(str(tmp_path / "b"), rows, "Bochs 3.1 (BIOS)", "gcc 12")
    found = bench_baseline.read(str(tmp_path / "b"))
    assert found == Baseline("Bochs 3.1 (BIOS)", "gcc 12", {row.key: row for row in rows})


@pytest.mark.parametrize(
    "tool, knob",
    [("bench", "TEST"), ("bench", "BASELINE"), ("bench", "PEER"), ("bench", "JOBS")]
    + [("profile", "TEST"), ("profile", "VMS"), ("profile", "ORDER")],
)
def test_a_wrong_knob_is_a_clear_error(tool, knob):
    done = subprocess.run(
        [f"tools/{tool}"],
        cwd=ROOT,
        env={**os.environ, knob: "nonsense"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert knob in done.stderr and "Traceback" not in done.stderr


def test_a_profile_says_where_the_instructions_are(boot):
    done = subprocess.run(
        ["tools/profile"],
        cwd=ROOT,
        env={**os.environ, "TEST": "host-section", "VMS": "", "ORDER": ""},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    run = bench_runs.host_run(1)
    (row,) = run.rows(boot(**run.boot), IMAGE)
    assert f"host-section vms=1: {row.root} instructions in root mode, " in done.stdout
    rows = re.findall(r"^(\w+) +(\d+) .* (\S+\.[cS])$", done.stdout, re.M)
    assert sum(int(count) for _, count, _ in rows) == row.root
    assert ("vmx_exit", "vmx/entry.S") in [(name, path) for name, _, path in rows]
    assert "VMREAD: EXIT_REASON" in done.stdout

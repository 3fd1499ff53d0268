"""tools/timeline, which `make timeline` calls: the picture and the file for Perfetto."""

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict

import pytest
from booting import BUILD, ROOT
from records import plain, records
from timeline_svg import turns_after_all_started
from traces import read_trace

SVG = "{http://www.w3.org/2000/svg}"
# Two CPUs, one TSC tick a microsecond: a owns CPU 0, b takes it over and idles; CPU 1 scrubs.
LOG = """\
@boot version=0 machine=pc fpu=lazy tsc_khz=1000
@vm name=a state=started
@vm name=b state=started
@trace tsc=1000 cpu=0 vm=a vcpu=0 event=run owner=none residue=0
@trace tsc=1010 cpu=0 vm=a vcpu=0 event=nm owner=none residue=0
@trace tsc=1012 cpu=0 vm=a vcpu=0 event=load owner=none residue=0
@trace tsc=1100 cpu=0 vm=b vcpu=0 event=run owner=a/0 residue=2
@trace tsc=1110 cpu=0 vm=a vcpu=0 event=save owner=a/0 residue=2
@trace tsc=1112 cpu=0 vm=b vcpu=0 event=load owner=a/0 residue=2
@trace tsc=1200 cpu=0 vm=b vcpu=0 event=save owner=b/0 residue=3
@trace tsc=1202 cpu=0 vm=host event=host owner=b/0 residue=3
@trace tsc=1250 cpu=0 vm=host event=host-end owner=host residue=1
@trace tsc=1300 cpu=0 vm=host event=idle owner=host residue=1
@trace tsc=1400 cpu=0 vm=a vcpu=0 event=run owner=host residue=1
@trace tsc=1500 cpu=0 vm=a vcpu=0 event=release owner=host residue=1
@trace-end cpu=0 size=12 events=15 lost=3
@trace tsc=1050 cpu=1 vm=c vcpu=1 event=run owner=c/0 residue=4
@trace tsc=1060 cpu=1 vm=c vcpu=1 event=scrub owner=c/0 residue=4
@trace-end cpu=1 size=12 events=2 lost=0
@end status=0
"""
# a goes from CPU 0 to CPU 1 and back, b follows it.
TWO_CPUS = (
    "0 a run, 100 b run, 200 host idle, 300 a run, 500 host idle",
    "10 host idle, 120 a run, 220 b run, 250 b flush, 350 host idle",
)
TWO_CPUS_MOVES = [("a/0", 0, 1, 100, 120), ("b/0", 0, 1, 200, 220), ("a/0", 1, 0, 220, 300)]
# a leaves CPU 0, which says nothing of it, and returns to it when it has been on CPUs 1 and 3.
FOUR_CPUS = (
    "0 a run, 400 a run",
    "100 a run, 200 host idle",
    "0 b run, 150 host idle",
    "20 host idle, 250 a run, 300 b run, 600 host idle",
)
FOUR_CPUS_MOVES = [
    *[("a/0", 0, 1, 100, 100), ("a/0", 1, 3, 200, 250)],
    *[("b/0", 2, 3, 150, 300), ("a/0", 3, 0, 300, 400)],
]


def log_of(*cpus, lost=()):
    """A console, one TSC tick a microsecond; `lost` names the CPUs whose rings were full."""
    lines = ["@boot version=0 machine=pc fpu=lazy tsc_khz=1000"]
    for cpu, events in enumerate(cpus):
        for time, who, event in map(str.split, events.split(", ")):
            whom = "vm=host" if who == "host" else f"vm={who} vcpu=0"
            lines.append(f"@trace tsc={time} cpu={cpu} {whom} event={event} owner=none residue=0")
        lines.append(f"@trace-end cpu={cpu} size=16 events=99 lost={int(cpu in lost)}")
    return "\n".join([*lines, "@end status=0\n"])


def environment(**knobs):
    names = "MACHINE FIRMWARE CPUS MEM CPU_MODEL OPTS GUEST TIMEOUT PROTOCOL CONSOLE WINDOW".split()
    names += ["MAKEFLAGS", "MFLAGS", "MAKELEVEL"]  # of a make that runs these tests
    clean = {name: value for name, value in os.environ.items() if name not in names}
    return {**clean, **knobs}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout with a build directory of its own."""
    directory = tmp_path_factory.mktemp("timeline")
    (directory / "tools").symlink_to(os.path.join(ROOT, "tools"))
    (directory / "build").mkdir()
    (directory / "build/resident.elf").symlink_to(os.path.join(BUILD, "resident.elf"))
    (directory / "build/guest").symlink_to(os.path.join(BUILD, "guest"))
    return directory


def timeline(checkout, *words, **knobs):
    return subprocess.run(
        ["tools/timeline", *words],
        cwd=checkout,
        env=environment(**knobs),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def drawn(checkout):
    """LOG, drawn: the picture and the file for Perfetto."""
    (checkout / "log").write_text(LOG)
    done = timeline(checkout, "log", WINDOW="0-0.5")
    assert done.returncode == 0, done.stderr
    assert "the oldest 3 events were lost" in done.stderr
    return picture(checkout), chrome_events(checkout)


def picture(checkout):
    return ElementTree.parse(checkout / "build/timeline.svg").getroot()


class Label:
    """A text of the picture: what it says, and where."""

    def __init__(self, text):
        style = text.get("style")
        anchor = re.search(r"text-anchor: (\w+)", style)
        self.words, self.size = text.text, float(re.search(r"([\d.]+)px", style)[1])
        self.x, self.y = float(text.get("x")), float(text.get("y"))
        width = 0.6 * self.size * len(self.words)
        before = {"start": 0, "middle": width / 2, "end": width}[anchor[1] if anchor else "start"]
        self.left, self.right = self.x - before, self.x - before + width


def labels(drawn):
    return [Label(text) for text in drawn.iter(SVG + "text")]


def chrome_events(checkout):
    return json.loads((checkout / "build/timeline.json").read_text())["traceEvents"]


def check_format(events):
    """What Perfetto's importer of this format asks for; returns the slices of each thread.
    It names a thread by its tid alone, gives pid 0 and tid 0 to idle tasks, and ends the slice
    that began last whatever the name of the end is."""
    processes, names, stacks = defaultdict(set), {}, defaultdict(list)
    last, slices = defaultdict(float), defaultdict(list)
    for event in events:
        pid, tid, phase = event["pid"], event["tid"], event["ph"]
        assert isinstance(pid, int) and isinstance(tid, int) and pid > 0 and tid > 0
        assert isinstance(event["name"], str) and event["name"]
        processes[tid].add(pid)
        if phase == "M":
            assert event["name"] in ("process_name", "thread_name") and event["args"]["name"]
            if event["name"] == "thread_name":
                names[tid] = event["args"]["name"]
            continue
        assert event["ts"] >= last[tid] >= 0
        last[tid] = event["ts"]
        if phase == "B":
            stacks[tid].append(event)
        elif phase == "E":
            begin = stacks[tid].pop()
            assert begin["name"] == event["name"]
            assert event["ts"] > begin["ts"]
            slices[pid, names[tid]].append((begin["name"], begin["ts"], event["ts"]))
        elif phase in "sf":
            assert stacks[tid][-1]["name"] == event["args"]["who"]  # the slice that it binds to
            assert (event["name"], event["cat"]) == ("migration", "migration")
            assert phase == "s" or event["bp"] == "e"
        else:
            assert (phase, event["s"]) == ("i", "t")
    assert all(len(pids) == 1 for pids in processes.values())
    assert set(processes) == set(names)
    assert not any(stacks.values())
    return slices


def test_perfetto_gets_every_interval_of_running_and_owning(drawn):
    slices = check_format(drawn[1])
    assert slices[1, "running"] == [
        ("a/0", 0, 100),
        ("b/0", 100, 300),
        ("a/0", 400, 500),
    ]
    assert slices[1, "FPU owner"] == [
        ("a/0", 12, 112),
        ("b/0", 112, 202),
        ("host section", 202, 250),
        ("host", 202, 500),
    ]
    assert slices[2, "running"] == [("c/1", 50, 500)]
    assert slices[2, "FPU owner"] == [("c/0", 50, 60)]


def test_perfetto_gets_every_trap_save_load_and_scrub(drawn):
    marks = [
        (e["pid"], e["name"], e["ts"], e["args"]["who"]) for e in drawn[1] if e["ph"] == "i"
    ]
    assert marks == [
        (1, "#NM", 10, "a/0"),
        (1, "load", 12, "a/0"),
        (2, "scrub", 60, "c/1"),
        (1, "save", 110, "a/0"),
        (1, "load", 112, "b/0"),
        (1, "save", 200, "b/0"),
    ]


def test_the_picture_has_the_same_intervals(drawn):
    titles = [title.text for title in drawn[0].iter(SVG + "title")]
    assert titles == [
        *["a: 0 to 100 µs", "b: 100 to 202 µs", "b: 250 to 300 µs", "a: 400 to 500 µs"],
        *["a: 12 to 112 µs", "b: 112 to 202 µs", "host: 202 to 500 µs"],
        *["c/1: 50 to 500 µs", "c/0: 50 to 60 µs"],
    ]


def test_the_picture_counts_what_is_in_view(checkout, drawn):
    def counts():
        """What stands to the right of each row's name, CPU by CPU."""
        all_labels, rows = labels(picture(checkout)), ["#NM trap", "save", "load", "scrub"]
        found = []
        for row in sorted((one for one in all_labels if one.words in rows), key=lambda one: one.y):
            beside = [one for one in all_labels if one.left > row.right and abs(one.y - row.y) < 3]
            assert len(beside) == 1
            found.append((row.words, beside[0].words))
        return found

    assert dict(counts()[:4]) == {"#NM trap": "1", "save": "2", "load": "2", "scrub": "0"}
    assert dict(counts()[4:]) == {"#NM trap": "0", "save": "0", "load": "0", "scrub": "1"}
    assert timeline(checkout, "log", WINDOW="0.1-0.15").returncode == 0
    assert dict(counts()[:4]) == {"#NM trap": "0", "save": "1", "load": "1", "scrub": "0"}


def test_no_two_labels_of_the_picture_overlap(checkout, drawn):
    for window in ("0-0.5", "0.1-0.15", "0-0.02", "0-20"):
        assert timeline(checkout, "log", WINDOW=window).returncode == 0
        before = []
        for one in labels(picture(checkout)):
            for other in before:
                beside = one.left >= other.right or one.right <= other.left
                above_or_below = one.y - one.size >= other.y or one.y <= other.y - other.size
                assert beside or above_or_below, (window, one.words, other.words)
            before.append(one)
        assert len(before) > 10


def flows(checkout):
    """Who went from which CPU to which, when it left and arrived, by the file for Perfetto."""
    begun, found = {}, []
    for event in chrome_events(checkout):
        if event["ph"] == "s":
            assert event["id"] not in begun
            begun[event["id"]] = event
        elif event["ph"] == "f":
            before = begun[event["id"]]  # in the file, too
            cpus = before["pid"] - 1, event["pid"] - 1
            found.append((event["args"]["who"], *cpus, before["ts"], event["ts"]))
    assert len(begun) == len(found)
    return found


def arrows(checkout):
    """Title, first and last point, and whether there is a head, of each arrow of the picture."""
    found = []
    for group in picture(checkout).iter(SVG + "g"):
        if group.get("id", "").startswith("migration-"):
            paths = [path.get("d").split() for path in group.iter(SVG + "path")]
            points = re.findall(r"[\d.]+", " ".join(paths[0]))
            first, last = ([float(number) for number in ends] for ends in (points[:2], points[-2:]))
            found.append((group.find(SVG + "title").text, first, last, len(paths) > 1))
    return found


@pytest.mark.parametrize(
    "cpus, lost, moves",
    [
        (TWO_CPUS, (), TWO_CPUS_MOVES),
        (FOUR_CPUS, (), FOUR_CPUS_MOVES),
        (["0 a run, 9 b run, 20 a run"], (), []),
        (["0 a run, 9 a release", "12 a run"], (), []),  # another of that name
        (["0 a run, 9 b run", "0 c run, 12 a run"], (1,), [("a/0", 0, 1, 9, 12)]),
        (["0 a run, 9 b run", "10 c run, 12 a run"], (1,), []),  # may have been elsewhere
    ],
)
def test_migrations_are_known_by_the_runs_of_all_cpus(cpus, lost, moves):
    trace = read_trace(records(log_of(*cpus, lost=lost)))
    found = [
        (one.who, one.source, one.target, one.left / 1000, one.arrived / 1000)
        for one in trace.migrations
    ]
    assert found == moves


def test_the_default_window_is_of_the_busiest_cpu_and_begins_where_nothing_is_lost():
    turns = [f"{time} {'ab'[time // 10 % 2]} run" for time in range(0, 200, 10)]
    slow = [f"{time} c run, {time + 20} host idle" for time in range(30, 190, 30)]
    cpus = ", ".join(turns), ", ".join(slow)
    for lost, window in ((), (30000, 70000)), ((0,), (30000, 70000)):
        assert turns_after_all_started(read_trace(records(log_of(*cpus, lost=lost))), 4) == window
    trace = read_trace(records(log_of(*cpus, "60 host idle", lost=(2,))))
    assert turns_after_all_started(trace, 4) == (60000, 100000)


@pytest.mark.parametrize("cpus, moves", [(TWO_CPUS, TWO_CPUS_MOVES), (FOUR_CPUS, FOUR_CPUS_MOVES)])
def test_a_migration_is_an_arrow_from_cpu_to_cpu(checkout, cpus, moves):
    (checkout / "moves").write_text(log_of(*cpus))
    assert timeline(checkout, "moves", WINDOW="0-0.78").returncode == 0  # one µs: one point
    slices = check_format(chrome_events(checkout))
    assert flows(checkout) == moves
    for vcpu in {move[0] for move in moves}:  # runs on one CPU at a time
        lanes = [slices[cpu + 1, "running"] for cpu in range(len(cpus))]
        ran = sorted((start, end) for lane in lanes for who, start, end in lane if who == vcpu)
        assert all(end <= start for (_, end), (start, _) in zip(ran, ran[1:]))
    texts = labels(picture(checkout))
    assert "moves to another CPU" in [one.words for one in texts]
    running = sorted(one.y for one in texts if one.words == "running")
    assert len(running) == len(cpus) == len([one for one in texts if one.words.startswith("CPU ")])
    for arrow, (who, source, target, left, arrived) in zip(arrows(checkout), moves, strict=True):
        title, first, last, head = arrow
        assert title == f"{who[0]}: CPU {source} to CPU {target} at {arrived} µs" and head
        assert [first[0], last[0]] == pytest.approx([76 + left, 76 + arrived], abs=2)
        edge = 12 if source < target else -12  # of the lanes: those that face each other
        lanes = [running[source] + edge, running[target] - edge]
        assert [first[1], last[1]] == pytest.approx(lanes, abs=6)


def test_a_window_cuts_the_arrows(checkout):
    def drawn(window):
        assert timeline(checkout, "moves", WINDOW=window).returncode == 0
        return [(title[:1], head) for title, _, _, head in arrows(checkout)]

    (checkout / "moves").write_text(log_of(*TWO_CPUS))
    assert drawn("0.1-0.5") == [("a", True), ("b", True), ("a", True)]
    whole = arrows(checkout)[0]
    assert drawn("0.11-0.25") == [("a", True), ("b", True), ("a", False)]
    half = arrows(checkout)[0]
    assert half[1][1] == pytest.approx((whole[1][1] + whole[2][1]) / 2, abs=1)
    for _, first, last, _ in arrows(checkout):
        assert 76 <= first[0] < last[0] <= 856
    assert arrows(checkout)[0][1][0] == 76 and arrows(checkout)[2][2][0] == 856
    assert drawn("0.13-0.19") == []
    assert "moves to another CPU" not in [one.words for one in labels(picture(checkout))]
    assert len(flows(checkout)) == 3


def test_where_nobody_moves_there_is_no_arrow(checkout):
    (checkout / "stays").write_text(log_of("0 a run, 9 b run, 20 a run", "0 c run, 30 host idle"))
    assert timeline(checkout, "stays", WINDOW="0-0.03").returncode == 0
    assert arrows(checkout) == flows(checkout) == []
    assert "moves to another CPU" not in [one.words for one in labels(picture(checkout))]


def test_a_flush_has_a_row_where_there_is_one(checkout, drawn):
    assert "flush" not in [one.words for one in labels(drawn[0])]
    (checkout / "moves").write_text(log_of(*TWO_CPUS))
    assert timeline(checkout, "moves", WINDOW="0-0.5").returncode == 0
    found = labels(picture(checkout))
    rows = sorted(one.y for one in found if one.words == "flush")
    beside = [[one.words for one in found if one.left > 800 and abs(one.y - y) < 3] for y in rows]
    assert beside == [["0"], ["1"]]
    marks = [event for event in chrome_events(checkout) if event["ph"] == "i"]
    assert [(one["pid"], one["name"], one["ts"]) for one in marks] == [(2, "flush", 250)]


def test_the_legend_of_many_guests_is_as_wide_as_the_picture(checkout):
    turns = ", ".join(f"{10 * i} a-guest-with-a-name-{i} run" for i in range(21))
    (checkout / "many").write_text(log_of(turns))
    assert timeline(checkout, "many", WINDOW="0-0.2").returncode == 0
    legend = [one for one in labels(picture(checkout)) if one.words.startswith("a-guest")]
    assert len(legend) == 20 and max(one.right for one in legend) < 900


def test_a_run_is_traced_and_drawn(checkout):
    guest = "build/guest/fpu-hold.elf name={0} mem=4M control=on -- yields=20 snapshot seed={1}"
    done = timeline(
        checkout,
        MACHINE="bochs",
        GUEST=f"{guest.format('a', 1)}; {guest.format('b', 2)}",
        OPTS="fpu=lazy stats=off",
    )
    assert done.returncode == 0, done.stderr
    slices = check_format(chrome_events(checkout))
    assert {name for name, _, _ in slices[1, "FPU owner"]} == {"a/0", "b/0", "host", "host section"}
    assert {name for name, _, _ in slices[1, "running"]} == {"a/0", "b/0"}
    marks = Counter(event["name"] for event in chrome_events(checkout) if event["ph"] == "i")
    assert marks["#NM"] == marks["load"] > 80
    texts = [one.words for one in labels(picture(checkout))]
    assert "Who owned the FPU: policy lazy, on bochs" in texts
    assert any("OPTS=\"fpu=lazy stats=off\"" in text for text in texts)


def test_what_is_not_a_trace_is_a_clear_error(checkout):
    (checkout / "empty").write_text("@boot version=0 tsc_khz=1000\n@end status=0\n")
    done = timeline(checkout, "empty")
    assert done.returncode == 3
    assert "there are no @trace records" in done.stderr and "@end status=0" in done.stderr
    assert timeline(checkout, "nowhere").returncode == 2
    assert timeline(checkout, "--help").returncode == 2


@pytest.mark.parametrize("window", ["5", "2-1", "a-b", "1-1"])
def test_a_wrong_window_is_a_clear_error(checkout, drawn, window):
    done = timeline(checkout, "log", WINDOW=window)
    assert done.returncode == 2
    assert f"WINDOW={window}" in done.stderr and "Traceback" not in done.stderr


def test_a_refusal_is_shown_with_its_status(checkout):
    done = timeline(checkout, MACHINE="tcg")
    assert done.returncode == 1
    assert "this machine has no VMX" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("machine", ["tcg", "bochs"])
def test_console_e9_is_a_console_of_tools_run(checkout, machine):
    guest = "build/guest/integer.elf rounds=1 name=a mem=4M"
    done = subprocess.run(
        ["tools/run"],
        cwd=checkout,
        env=environment(MACHINE=machine, CONSOLE="e9", GUEST=guest),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
    )
    ended = [record for record in records(plain(done.stdout)) if record.kind == "end"]
    assert [record["status"] for record in ended] == [str(done.returncode)]
    assert done.returncode == {"tcg": 1, "bochs": 0}[machine]

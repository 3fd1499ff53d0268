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
TWO_CPUS = (
    "0 a run, 100 b run, 200 host idle, 300 a run, 500 host idle",
    "10 host idle, 120 a run, 220 b run, 250 b flush, 350 host idle",
)


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
        (1, "save", 110, "a/0"),
        (1, "load", 112, "b/0"),
        (1, "save", 200, "b/0"),
        (2, "scrub", 60, "c/1"),
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

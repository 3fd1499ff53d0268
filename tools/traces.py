"""A run's @trace records as lanes: who ran on each CPU, and who owned its FPU, from when to
when; and who moved from one CPU to another."""

from bisect import bisect_right
from dataclasses import dataclass, field

HOST, NONE = "host", "none"
MARKS = ("nm", "save", "load", "scrub", "flush")  # what happens at a moment


class TraceError(Exception):
    """There is no trace in what was read; the text says what to do."""


@dataclass
class Slice:
    start: int  # nanoseconds since the first event of the run
    end: int
    who: str


@dataclass
class Mark:
    time: int
    event: str
    who: str


@dataclass
class Cpu:
    number: int
    running: list = field(default_factory=list)  # Slices of vCPUs; nothing where it idles
    owner: list = field(default_factory=list)  # Slices of vCPUs and HOST; nothing where none owns
    host: list = field(default_factory=list)  # host sections: nobody runs meanwhile
    marks: list = field(default_factory=list)
    lost: int = 0


@dataclass
class Migration:
    who: str
    source: int  # the CPUs' numbers
    target: int
    left: int  # the end of its last slice on the source
    arrived: int


@dataclass
class Trace:
    policy: str
    machine: str
    since: int  # what happened before has in part been lost
    end: int
    cpus: list
    migrations: list  # in the order of arrival
    guests: list  # names in the order of their start

    @property
    def lost(self):
        return sum(cpu.lost for cpu in self.cpus)


def who_of(record):
    return f"{record['vm']}/{record['vcpu']}" if "vcpu" in record else HOST


class Lane:
    """What one state was, from when to when: close() and open() in the order of time."""

    def __init__(self, start, who=None):
        self.slices, self.start, self.who = [], start, who

    def change(self, now, who):
        if who == self.who:
            return
        if self.who is not None and now > self.start:
            self.slices.append(Slice(self.start, now, self.who))
        self.start, self.who = now, who


def follow(number, events, end):
    """One CPU. `events` are pairs of a time and a record, oldest first: its own, and the `run` of
    each vCPU that has gone to another CPU, for it runs there now and here no longer."""
    first, record = events[0]
    cpu = Cpu(number)
    running, host = Lane(first), Lane(first)
    owner = Lane(first, None if record["owner"] == NONE else record["owner"])
    for now, record in events:
        event, who = record["event"], who_of(record)
        if record.number("cpu") != number:
            if who == running.who:
                running.change(now, None)
        elif event == "run":
            running.change(now, who)
        elif event == "idle" or (event == "release" and who == running.who):
            running.change(now, None)
        elif event == "load":
            owner.change(now, who)
        elif event in ("scrub", "drop"):
            owner.change(now, None)
        elif event == "host":
            owner.change(now, HOST)
            host.change(now, HOST)
        elif event == "host-end":
            host.change(now, None)
        if event in MARKS:
            cpu.marks.append(Mark(now, event, who))
    for lane in (running, owner, host):
        lane.change(end, None)
    cpu.running, cpu.owner, cpu.host = running.slices, owner.slices, host.slices
    return cpu


def arrivals(by_cpu):
    """Triples: when a vCPU began to run on another CPU than before, the record, the CPU before."""
    kinds = ("run", "release")
    events = [event for one in by_cpu.values() for event in one if event[1]["event"] in kinds]
    last = {}
    for time, record in sorted(events, key=lambda event: event[0]):
        who, cpu = who_of(record), record.number("cpu")
        if record["event"] == "release":
            last.pop(who, None)  # whoever has this name from now on is another
            continue
        if last.get(who, cpu) != cpu:
            yield time, record, last[who]
        last[who] = cpu


def migrations(arrived, cpus):
    """The Migrations of these arrivals, by the slices of all CPUs."""
    ends = {}  # of the slices of each vCPU on each CPU
    for cpu in cpus:
        for one in cpu.running:
            ends.setdefault((cpu.number, one.who), []).append(one.end)
    for time, record, source in arrived:
        who = who_of(record)
        before = ends.get((source, who), [])
        place = bisect_right(before, time)
        left = before[place - 1] if place else time
        yield Migration(who, source, record.number("cpu"), left, time)


def read_trace(records):
    """The Trace that the records of one run tell."""
    boots = [record for record in records if record.kind == "boot"]
    entries = [record for record in records if record.kind == "trace"]
    if not boots or not entries:
        raise TraceError(
            "there are no @trace records after a @boot record: was it booted with trace=on, and "
            "did it get to its end?"
        )
    khz = boots[0].number("tsc_khz")
    zero = min(entry.number("tsc") for entry in entries)
    by_cpu = {}
    for entry in entries:
        time = (entry.number("tsc") - zero) * 1000000 // khz
        by_cpu.setdefault(entry.number("cpu"), []).append((time, entry))
    end = max(events[-1][0] for events in by_cpu.values())
    first = {number: events[0][0] for number, events in by_cpu.items()}
    arrived = list(arrivals(by_cpu))
    for time, record, source in arrived:
        by_cpu[source].append((time, record))
    for source in {source for _, _, source in arrived}:
        by_cpu[source].sort(key=lambda event: event[0])
    cpus = [follow(number, events, end) for number, events in sorted(by_cpu.items())]
    for record in records:
        if record.kind == "trace-end":
            for cpu in cpus:
                cpu.lost += record.number("lost") if cpu.number == record.number("cpu") else 0
    since = max((first[cpu.number] for cpu in cpus if cpu.lost), default=0)
    moved = [one for one in migrations(arrived, cpus) if one.left >= since]
    started = [r["name"] for r in records if r.kind == "vm" and r.get("state") == "started"]
    guests = list(dict.fromkeys(started))
    return Trace(boots[0]["fpu"], boots[0]["machine"], since, end, cpus, moved, guests)

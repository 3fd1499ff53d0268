"""A run's @trace records as lanes: who ran on each CPU, and who owned its FPU, from when to
when."""

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
class Trace:
    policy: str
    machine: str
    end: int
    cpus: list
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
    """One CPU. `events` are pairs of a time and a record, oldest first."""
    first, record = events[0]
    cpu = Cpu(number)
    running, host = Lane(first), Lane(first)
    owner = Lane(first, None if record["owner"] == NONE else record["owner"])
    for now, record in events:
        event, who = record["event"], who_of(record)
        if event == "run":
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
    cpus = [follow(number, events, end) for number, events in sorted(by_cpu.items())]
    for record in records:
        if record.kind == "trace-end":
            for cpu in cpus:
                cpu.lost += record.number("lost") if cpu.number == record.number("cpu") else 0
    started = [r["name"] for r in records if r.kind == "vm" and r.get("state") == "started"]
    return Trace(boots[0]["fpu"], boots[0]["machine"], end, cpus, list(dict.fromkeys(started)))

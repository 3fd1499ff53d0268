"""A Trace in Chrome's trace event format, which ui.perfetto.dev and chrome://tracing open.

A process is a CPU, a thread one of its lanes. Slices are pairs of B and E events: those of one
thread may only nest. A migration is a flow, from its s event to its f event: each belongs to the
slice that is open where it stands in the file. Threads are named by their tid alone, so no two
processes share one, and pid 0 and tid 0 are kept for an operating system's idle task.
"""

import json

LANES = ("running", "FPU owner", "FPU events")
MARK_NAMES = {"nm": "#NM", "save": "save", "load": "load", "scrub": "scrub", "flush": "flush"}
FLOW = {"name": "migration", "cat": "migration"}


def slices(lane, cpu_slices, nested=()):
    """(time, order, phase, what, lane): at one time flows begin, inner ends come before outer ends,
    then begins, and flows end."""
    for one in cpu_slices:
        yield (one.start, 3, "B", {"name": one.who}, lane)
        yield (one.end, 2, "E", {"name": one.who}, lane)
    for one in nested:
        yield (one.start, 4, "B", {"name": "host section"}, lane)
        yield (one.end, 1, "E", {"name": "host section"}, lane)


def marks(lane, cpu_marks):
    for one in cpu_marks:
        what = {"name": MARK_NAMES[one.event], "s": "t", "args": {"who": one.who}}
        yield (one.time, 6, "i", what, lane)


def flows(migrations):
    for number, one in enumerate(migrations, 1):
        what = {**FLOW, "id": number, "args": {"who": one.who}}
        yield (one.left, 0, "s", what, (one.source, 0))
        yield (one.arrived, 5, "f", {**what, "bp": "e"}, (one.target, 0))


def thread(number, lane):
    """What says where an event is."""
    return {"pid": number + 1, "tid": 10 * (number + 1) + lane}


def chrome_trace(trace):
    """The file's content, ready for json.dump()."""
    events, timed = [], list(flows(trace.migrations))
    for cpu in trace.cpus:
        events.append(metadata("process_name", thread(cpu.number, 0), f"CPU {cpu.number}"))
        lanes = [(cpu.number, lane) for lane in range(len(LANES))]
        for lane, name in zip(lanes, LANES):
            events.append(metadata("thread_name", thread(*lane), name))
        timed += slices(lanes[0], cpu.running)
        timed += slices(lanes[1], cpu.owner, cpu.host)
        timed += marks(lanes[2], cpu.marks)
    for time, _, phase, what, lane in sorted(timed, key=lambda event: event[:2]):
        events.append({"ph": phase, "ts": time / 1000, **thread(*lane), **what})
    about = {"policy": trace.policy, "machine": trace.machine, "lost": trace.lost}
    return {"traceEvents": events, "displayTimeUnit": "ns", "otherData": about}


def metadata(kind, place, name):
    return {"ph": "M", "ts": 0, **place, "name": kind, "args": {"name": name}}


def write_chrome_trace(path, trace):
    with open(path, "w", encoding="ascii") as file:
        json.dump(chrome_trace(trace), file, indent=None, separators=(",", ":"))
        file.write("\n")

"""A Trace in Chrome's trace event format, which ui.perfetto.dev and chrome://tracing open.

A process is a CPU, a thread one of its lanes. Slices are pairs of B and E events: those of one
thread may only nest. Threads are named by their tid alone, so no two processes share one, and
pid 0 and tid 0 are kept for an operating system's idle task.
"""

import json

LANES = ("running", "FPU owner", "FPU events")
MARK_NAMES = {"nm": "#NM", "save": "save", "load": "load", "scrub": "scrub", "flush": "flush"}


def slices(cpu_slices, nested=()):
    """(time, order, phase, name): at one time inner ends come before outer ends, then begins."""
    for one in cpu_slices:
        yield (one.start, 2, "B", one.who)
        yield (one.end, 1, "E", one.who)
    for one in nested:
        yield (one.start, 3, "B", "host section")
        yield (one.end, 0, "E", "host section")


def chrome_trace(trace):
    """The file's content, ready for json.dump()."""
    events = []
    for cpu in trace.cpus:
        pid = cpu.number + 1
        tid = [10 * pid + lane for lane in range(len(LANES))]
        events.append(metadata("process_name", pid, tid[0], f"CPU {cpu.number}"))
        for lane, name in enumerate(LANES):
            events.append(metadata("thread_name", pid, tid[lane], name))
        timed = [(*event, tid[0]) for event in slices(cpu.running)]
        timed += [(*event, tid[1]) for event in slices(cpu.owner, cpu.host)]
        timed += [(mark.time, 4, "i", mark, tid[2]) for mark in cpu.marks]
        for time, _, phase, what, thread in sorted(timed, key=lambda event: event[:2]):
            event = {"ph": phase, "ts": time / 1000, "pid": pid, "tid": thread}
            if phase == "i":
                event.update(name=MARK_NAMES[what.event], s="t", args={"who": what.who})
            else:
                event["name"] = what
            events.append(event)
    about = {"policy": trace.policy, "machine": trace.machine, "lost": trace.lost}
    return {"traceEvents": events, "displayTimeUnit": "ns", "otherData": about}


def metadata(kind, pid, tid, name):
    return {"ph": "M", "ts": 0, "pid": pid, "tid": tid, "name": kind, "args": {"name": name}}


def write_chrome_trace(path, trace):
    with open(path, "w", encoding="ascii") as file:
        json.dump(chrome_trace(trace), file, indent=None, separators=(",", ":"))
        file.write("\n")

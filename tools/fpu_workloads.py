"""What each FPU policy costs: the workloads, how one is booted, and the cost model.

Bochs retires one instruction a TSC tick, so the figures are instruction counts that repeat exactly.
VM entries, exits and #NM are free there, and an XSAVE is one instruction: the weights below stand
for what they take on a CPU.
"""

import re
from dataclasses import dataclass

POLICIES = ("lazy", "scrub", "eager", "unload", "swap", "auto")
SAFE = ("scrub", "eager", "swap", "auto")  # across domains, on a CPU that speculates past #NM
CPU = "corei7_skylake_x"  # AVX-512; speculates past #NM
TOLERANCE = 0.05  # `auto` against the best equally safe policy

# Cycles beyond the instructions that are counted: a #NM exit and the entry after it, one XSAVE or
# XRSTOR (300 for a pair), one VMWRITE for CR0.TS or the #NM intercept.
WEIGHTS = {"nm": 1500, "moves": 150, "ts_writes": 200}
WEIGHT_NAMES = {"nm": "#NM exit", "moves": "XSAVE or XRSTOR", "ts_writes": "CR0.TS write"}

COUNTED = ("nm", "saves", "loads", "scrubs", "ts_writes", "bytes", "root")
TURNS = 1000
MOVING_TURNS = 200  # of each guest, on several CPUs


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    guests: tuple  # the command line of each; the first one measures
    options: str = ""
    cpu: str = CPU


WORKLOADS = (
    Workload("alone", "one FPU guest alone, 20 exits a turn", ("uses=1 exits=20",)),
    Workload("integer", "an FPU guest and an integer guest", ("uses=1", "")),
    Workload("two", "two FPU guests", ("uses=1", "uses=1")),
    Workload(
        "host",
        "an FPU guest, and a host section at each exit",
        ("uses=1 every=exit",),
        "hostfpu=exits",
    ),
    Workload(
        "tenth",
        "four guests, one uses the FPU in every tenth turn",
        ("uses=10", "", "", ""),
    ),
    # What Bochs does not keep of tiles is no matter here: docs/amx.md.
    Workload(
        "tiles",
        "two FPU guests that use AMX's tiles too",
        ("uses=1 tiles amx-xsave", "uses=1 tiles amx-xsave"),
        "amx=force",
        "sapphire_rapids",
    ),
)
MOVING = tuple(workload for workload in WORKLOADS if not workload.options)  # on several CPUs
DOMAINS = ("one", "own")  # all guests in one trust domain, or each in its own


def boot_parameters(workload, domains, policy):
    """CPU model, hypervisor options, and (guest, module line) of each guest."""
    trust = "trust=lab " if domains == "one" else ""
    peers = f"peers={len(workload.guests)}"
    modules = tuple(
        (
            "workload",
            f"name=g{i} mem=4M control=on {trust}-- {peers} {words}"
            + ("" if i else f" turns={TURNS}"),
        )
        for i, words in enumerate(workload.guests)
    )
    options = f"fpu={policy} slice=1000000 {workload.options}".strip()
    return {"cpu": workload.cpu, "opts": options, "modules": modules}


def window(console):
    """The counters of the measured turns."""
    line = re.search(r"workload: window (.*)", console)
    if not line:
        raise ValueError("the guest has printed no window")
    return {key: int(value) for key, value in (pair.split("=") for pair in line[1].split())}


def moving_parameters(workload, domains, policy, cpus):
    """The same on several CPUs: the guests of the workload once for each, all of which do so many
    turns and move to the next CPU after every second one."""
    count = cpus * len(workload.guests)
    trust = "trust=lab " if domains == "one" else ""
    modules = tuple(
        (
            "workload",
            f"name=g{i} mem=4M control=on {trust}-- peers={count} turns={MOVING_TURNS} "
            + workload.guests[i % len(workload.guests)],
        )
        for i in range(count)
    )
    options = f"fpu={policy} slice=1000000 migrate=2"
    return {"cpu": CPU, "cpus": cpus, "opts": options, "modules": modules}


def totals(result):
    """The counters of all CPUs, of a boot from its start to its end. What the hypervisor executes
    is not among them: CPUs wait for each other, and idle."""
    keys = ("entries", "resident", "flushes", *COUNTED)
    found = {
        key: sum(record.number(key) for record in result.all("fpu") if "snapshot" not in record)
        for key in keys
        if key != "root"
    }
    moves = sum(record.number("moves") for record in result.all("cpu"))
    return {**found, "moves": moves, "root": 0}


def parts(counted):
    """How often each thing with a weight happened."""
    moves = counted["saves"] + counted["loads"] + counted["scrubs"]
    return {"nm": counted["nm"], "moves": moves, "ts_writes": counted["ts_writes"]}


def cost(counted, weights=None):
    """Cycles of the hypervisor."""
    weights = weights or WEIGHTS
    return counted["root"] + sum(weights[key] * count for key, count in parts(counted).items())


def rivals(domains):
    """The policies that are as safe as `auto` is there."""
    return POLICIES if domains == "one" else SAFE


def best(row, domains, weights=None):
    """Of the policies as safe as auto, auto left out: the one that costs least. Ties: the first."""
    others = [policy for policy in rivals(domains) if policy != "auto"]
    return min(others, key=lambda policy: cost(row[policy], weights))


def excess(row, domains):
    """By how much auto costs more than the best of the others (less than 0: it costs less)."""
    return cost(row["auto"]) / cost(row[best(row, domains)]) - 1


def crossovers(row, domains, key):
    """Who costs least as one weight goes from 0 up, auto included: [(above weight, policy),
    ...]."""
    rest = {**WEIGHTS, key: 0}
    start = {policy: cost(row[policy], rest) for policy in rivals(domains)}
    slope = {policy: parts(row[policy])[key] for policy in rivals(domains)}
    winner = min(start, key=lambda policy: (start[policy], slope[policy]))
    found = [(0, winner)]
    while True:
        flatter = [policy for policy in start if slope[policy] < slope[winner]]
        if not flatter:
            return found

        def crossing(policy, winner=winner):
            return (start[policy] - start[winner]) / (slope[winner] - slope[policy])

        winner = min(flatter, key=lambda policy: (crossing(policy), slope[policy]))
        found.append((crossing(winner, found[-1][1]), winner))

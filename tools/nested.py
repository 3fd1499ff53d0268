"""Resident under Linux's KVM with nested=1, on Bochs: what is run there, and what has to come out.
The machine is that of tools/peer.py. Exits are dear there, 10,000 instructions: it is told that it
executes more of them in a second than other tests' machines, since the guests' timers are meant for
exits of some microseconds, and slices are longer."""

import os
import re
from dataclasses import dataclass, field

from boot import BUILD, kernel_path
from peer import Launch, QemuLaunch
from records import records

KERNEL = os.path.join(BUILD, "resident32.elf")
# There is no screen: each of its cells would be the launcher's, in user space.
SLICE = "console=com1 slice=5000"
IPS = 50000000
# Nothing but the way into KVM and out of it is measured and waited for.
LINUX_OPTIONS = "mitigations=off"

CLOBBER = ("clobber", "name=peer mem=8M control=on -- seed=3")
HOLD = ("fpu-hold", "name=hold mem=8M -- seed=9 rounds=2")


@dataclass(frozen=True)
class Run:
    """One start of Resident. `passes` says of some of its VMs how many checks pass, `ends` of others
    how they end: status and cause. Those named nowhere end well."""

    name: str
    modules: tuple
    opts: str = SLICE
    cpus: int = 1
    passes: dict = field(default_factory=dict)
    ends: dict = field(default_factory=dict)
    # What is not right here and nobody's fault: the name of a check, and why.
    fails: dict = field(default_factory=dict)
    qemu: str = ""  # its machine, where it is QEMU that starts Resident

    @property
    def launch(self):
        modules = tuple((kernel_path(file), words) for file, words in self.modules)
        if self.qemu:
            return QemuLaunch(KERNEL, self.opts, modules, self.cpus, self.qemu)
        return Launch(KERNEL, self.opts, modules, self.cpus)

    def guest_status(self, status):
        """What Resident wrote, by how its launcher ended."""
        return status >> 1 if self.qemu and status & 1 else status

    def __str__(self):
        return self.name


def bad(word, status, cause, options=""):
    words = f"name=bad mem=8M control=on {options} -- {word} peers=2 after=2"
    return Run(f"bad-{word}", (("bad", words), HOLD), ends={"bad": (status, cause)})


def torture(cpus, steps, opts=""):
    vms = max(2, cpus + 1)
    lines = []
    for number in range(vms):
        file, reset = ("torture", "torture32")[number % 2], (" reset", "")[number // 2 % 2]
        words = f"seed={number + 1} steps={steps} peers={vms}{reset}"
        lines.append((file, f"name=t{number} mem=4M control=on -- {words}"))
    return Run(f"torture-{cpus}", tuple(lines), f"{SLICE} {opts}".strip(), cpus)


def short():
    """For `make test`, a few seconds: one guest with patterns, one with lazy switching of its own,
    and random work of two."""
    modules = (
        ("own-ts", "name=own mem=8M control=on -- peers=2"),
        ("fpu-hold", "name=hold mem=8M -- seed=9 rounds=1"),
    )
    return [Run("short", modules, passes={"own": 4, "hold": 12}), torture(1, 40)]


def one_cpu():
    holds = (HOLD, ("fpu-hold", "name=b mem=8M -- seed=7 rounds=2"), ("integer", "name=c mem=4M -- rounds=5"))
    looks = ("fxsave", "xsave", "ymm")
    others = ("clobber", "name=clobber mem=4M -- rounds=50")  # which ends though `secret` is there
    leaks = [("leak", f"name={n} mem=4M runs=2 -- first={n} wait=4 resets=1") for n in looks]
    return [
        Run("fpu-hold", holds, passes={"hold": 12, "b": 12}),
        Run("fpu-hold-lazy", holds, f"{SLICE} fpu=lazy", passes={"hold": 12, "b": 12}),
        Run("exits", (("exits", "name=a mem=8M"),)),
        Run("exits32", (("exits32", "name=a mem=8M"),)),
        Run(
            "nm-table",
            (("nm-table", "name=a mem=8M control=on -- state=all"), CLOBBER),
            f"{SLICE} fpu=lazy",
            passes={"a": 112},
        ),
        Run("own-ts", (("own-ts", "name=a mem=8M control=on -- peers=2"), CLOBBER), passes={"a": 4}),
        Run(
            "leak",
            (("leak", "name=secret mem=4M control=on -- secret"), *leaks, others),
        ),
        torture(1, 300),
        *(bad(word, 1, "ept-violation", "holes=end") for word in ("unmapped", "table-beyond")),
        bad("triple", 1, "triple-fault"),
        *(bad(word, 0, "exit-port") for word in ("vmxon", "xcr0", "msr", "double", "io-flood")),
        bad("halt", 1, "halted"),
        *(bad(word, 1, "limit", "limit=300") for word in ("loop", "db", "ac", "nmi-storm")),
        *in_qemu(1),
    ]


def two_cpus():
    holds = (HOLD, ("fpu-hold", "name=b mem=8M -- seed=7 rounds=2"), ("integer", "name=c mem=4M -- rounds=5"))
    return [
        Run("two-cpus", holds, f"{SLICE} migrate=1", 2, passes={"hold": 12, "b": 12}),
        torture(2, 100, "migrate=2"),
        *in_qemu(2),
    ]


def in_qemu(cpus):
    modules = (HOLD, ("integer", "name=c mem=4M -- rounds=5"))
    return [
        Run(f"qemu-{chipset}-{cpus}", modules, SLICE, cpus, {"hold": 12}, qemu=chipset)
        for chipset in ("q35", "pc")
    ]


def entry_checks(fault="entry-checks"):
    """Each rule of VM entry broken in turn (tools/entry_checks.py), or `entry-sample`: some."""
    return Launch(KERNEL, f"console=com1 stats=off crash={fault}")


def failed_checks(console):
    return sorted(set(re.findall(r"^\S+\| FAIL ([^:\s]+)", console, re.M)))


def wrong(run, status, console):
    """What is not as it should be, a line each."""
    told = []
    found = records(console)
    boots = [record for record in found if record.kind == "boot"]
    if [(r["machine"], r.number("cpus"), r["vmx"]) for r in boots] != [("kvm", run.cpus, "1")]:
        told.append(f"@boot is {boots}, not one on {run.cpus} CPUs of KVM's")
    vms = {words.split()[0].removeprefix("name=") for _, words in run.modules}
    for vm in sorted(vms):
        want = run.ends.get(vm, (0, "exit-port"))
        if set(failed_checks(console)) and set(failed_checks(console)) <= set(run.fails):
            want = (1, want[1])
        ends = {
            (r.number("status"), r["cause"])
            for r in found
            if r.kind == "vm" and r.has(name=vm, state="ended")
        }
        if ends != {want}:
            told.append(f"{vm} ended with {sorted(ends)}, not {want}")
    for check in failed_checks(console):
        if check not in run.fails:
            told.append(f"FAIL {check}")
    for vm, passes in run.passes.items():
        if not re.search(rf"^{vm}\| RESULT .*pass={passes} fail=0", console, re.M):
            told.append(f"{vm} has not {passes} checks that pass")
    cpus = [record for record in found if record.kind == "fpu"]
    if len(cpus) != run.cpus or not all(record.number("entries") > 10 for record in cpus):
        told.append("the statistics are not those of so many CPUs that ran guests")
    ends = [record["status"] for record in found if record.kind == "end"]
    if ends != [str(run.guest_status(status))]:
        told.append(f"@end has {ends}, the launcher {status}")
    return told


def guest_records(console, vm):
    """The records that a VM's lines are."""
    mark = f"{vm}| "
    lines = [line[len(mark) :] for line in console.splitlines() if line.startswith(mark)]
    return [record for record in records("\n".join(lines)) if record.kind == "bench"]


def round_trips(rows):
    """Of a CPUID, of tools/bench-nested's rows: the bare loop's with our EFERs, and ours."""
    found = {(who, words, name): figure for who, words, name, figure in rows}
    return found["bare", "nx", "cpuid-0"], found["resident", "", "cpuid-0"]

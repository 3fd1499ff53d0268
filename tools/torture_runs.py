"""The matrix of torture: which boots there are, and what each has shown. tools/torture makes them
until they have switched often enough, tests/system/test_torture.py makes a few."""

from dataclasses import dataclass

from bochs import bochs
from guests import ON_SEVERAL_CPUS

POLICIES = ("lazy", "scrub", "eager", "unload", "swap", "auto")
MODELS = (
    "tigerlake",
    "corei7_haswell_4770",
    "corei7_skylake_x",
    "corei7_icelake_u",
    "corei7_ivy_bridge_3770k",
    "corei5_arrandale_m520",
    "sapphire_rapids",
    "arrow_lake",
)
SLICES = (100, 200, 500, 2000)  # microseconds
FORMS = ("", "xsaves", "xsavec", "xsaveopt", "xsave")  # of a save: boot option xsave=
# Besides the tortured: one that never uses the FPU, one that uses it in every turn, none.
NEIGHBOURS = (("integer", "forever"), ("clobber", "seed=9"), None)


@dataclass(frozen=True)
class Run:
    policy: str
    cpu: str
    seed: int
    slice: int = 200
    host: bool = False  # a host section at every VM exit
    changing: bool = False  # one guest changes the policy all the time
    neighbour: tuple = None
    steps: int = 1000
    cpus: int = 1
    migrate: int = 0  # turns on one CPU, then the next; 0: for want of work only
    xsave: str = ""  # the form that saves use; by default as the CPU model has it
    entrycheck: bool = False  # each VM entry is compared with the rules of vmx/checks/entry_checks.h

    @property
    def opts(self):
        words = [f"fpu={self.policy} slice={self.slice}"]
        words += ["hostfpu=exits"] if self.host else []
        words += [f"migrate={self.migrate}"] if self.migrate else []
        words += [f"xsave={self.xsave}"] if self.xsave else []
        words += ["amx=force"] if self.tiles_in_part else []
        words += ["entrycheck=on"] if self.entrycheck else []
        return " ".join(words)

    @property
    def tiles_in_part(self):
        """Its tiles are kept if they are small: docs/amx.md."""
        return self.cpu == "sapphire_rapids" and bochs().has("amx-xsave")

    @property
    def tortured(self):
        return max(3, self.cpus + 1)

    @property
    def modules(self):
        """Three guests that differ in width, and in whether they reset themselves; on several CPUs
        one more than there are CPUs."""
        words = f"steps={self.steps} peers={self.tortured}"
        if bochs().has("init-zmm-upper"):
            words += " init-zmm-upper"
        if self.tiles_in_part:
            words += " amx-xsave"
        if self.cpus > 1 and bochs().has("smp-exception-exit"):
            words += " " + ON_SEVERAL_CPUS
        policies = " policies" if self.changing else ""
        lines = [
            ("torture", f"name=a mem=4M control=on -- seed={self.seed} {words} reset{policies}"),
            ("torture32", f"name=b mem=4M control=on -- seed={self.seed + 1} {words} reset"),
            ("torture", f"name=c mem=4M control=on runs=2 -- seed={self.seed + 2} {words}"),
        ]
        for number in range(3, self.tortured):
            seed = f"seed={self.seed + number}"
            lines.append((lines[number % 3][0], f"name=t{number} mem=4M control=on -- {seed} {words}"))
        if self.neighbour:
            lines.append((self.neighbour[0], f"name=d mem=4M control=on -- {self.neighbour[1]}"))
        return lines

    @property
    def boot(self):
        """As the fixture `boot` and boot_once() take it."""
        return {
            "cpu": self.cpu,
            "cpus": self.cpus,
            "opts": self.opts,
            "modules": self.modules,
            "timeout": 300,
        }

    @property
    def command(self):
        """What repeats it by hand."""
        guest = "; ".join(f"build/guest/{file}.elf {words}" for file, words in self.modules)
        cpus = f" CPUS={self.cpus}" if self.cpus > 1 else ""
        return f'make run MACHINE=bochs CPU_MODEL={self.cpu}{cpus} OPTS="{self.opts}" GUEST="{guest}"'

    def __str__(self):
        changing = " policies=changing" if self.changing else ""
        neighbour = f" with={self.neighbour[0]}" if self.neighbour else ""
        cpus = f" cpus={self.cpus}" if self.cpus > 1 else ""
        return f"{self.opts}{changing}{neighbour} cpu={self.cpu}{cpus} seed={self.seed}"


def matrix(models, first_seed=1, cpus=(1,), migrate=(0,), entrycheck=False):
    """Endless. Each turn has every policy, and from turn to turn on the next of these CPU models:
    each policy meets each model within as many turns as there are models. So it is with the numbers
    of CPUs, with migrate= and, on several CPUs, with the forms of XSAVE."""
    number = 0
    while True:
        turn, policy = divmod(number, len(POLICIES))
        count = cpus[(turn + policy) % len(cpus)]
        yield Run(
            policy=POLICIES[policy],
            cpu=models[(policy + turn) % len(models)],
            seed=first_seed + (max(cpus) + 2) * number,
            slice=SLICES[(turn + number) % len(SLICES)],
            host=number % 4 == 1,
            changing=number % 5 == 2,
            neighbour=NEIGHBOURS[(turn + policy) % len(NEIGHBOURS)],
            cpus=count,
            migrate=migrate[(turn // len(cpus) + policy) % len(migrate)],
            xsave=FORMS[(2 * turn + policy) % len(FORMS)] if count > 1 else "",
            entrycheck=entrycheck,
        )
        number += 1


def switches(result):
    """Changes from one vCPU to another in this boot, on all CPUs."""
    return sum(
        record.number("switches") for record in result.all("fpu") if "snapshot" not in record
    )


def migrations(result):
    """How often a vCPU came to a CPU from another one."""
    return sum(record.number("moves") for record in result.all("cpu"))


def entries(result):
    """How many VM entries were compared with the rules."""
    return sum(record.number("checked") for record in result.all("entry-watch"))


def problems(run, result):
    """What went wrong, in lines; none: all is well."""
    found = [line for line in result.console.splitlines() if "| FAIL" in line]
    found += [line for line in result.console.splitlines() if "| torture: the steps" in line]
    passed = sum("| PASS torture" in line for line in result.console.splitlines())
    if passed != run.tortured + 1:  # c runs twice
        found.append(f"{passed} of {run.tortured + 1} torture guests have passed")
    for record in result.all("entry-watch"):
        if record.number("wrong") or record.number("unforeseen"):
            found.append(f"@entry-watch {dict(record)}")
    if run.entrycheck and not entries(result):
        found.append("no VM entry was compared with the rules")
    if result.status != 0:
        found.append(f"status {result.status} {result.message}".rstrip())
    return found

"""The matrix of torture: which boots there are, and what each has shown. tools/torture makes them
until they have switched often enough, tests/system/test_torture.py makes a few."""

from dataclasses import dataclass

from bochs import bochs

POLICIES = ("lazy", "scrub", "eager", "unload", "swap", "auto")
CPUS = (
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

    @property
    def opts(self):
        return f"fpu={self.policy} slice={self.slice}" + (" hostfpu=exits" if self.host else "")

    @property
    def modules(self):
        """Three guests that differ in width, and in whether they reset themselves."""
        words = f"steps={self.steps} peers=3"
        if bochs().has("init-zmm-upper"):
            words += " init-zmm-upper"
        policies = " policies" if self.changing else ""
        lines = [
            ("torture", f"name=a mem=4M control=on -- seed={self.seed} {words} reset{policies}"),
            ("torture32", f"name=b mem=4M control=on -- seed={self.seed + 1} {words} reset"),
            ("torture", f"name=c mem=4M control=on runs=2 -- seed={self.seed + 2} {words}"),
        ]
        if self.neighbour:
            lines.append((self.neighbour[0], f"name=d mem=4M control=on -- {self.neighbour[1]}"))
        return lines

    @property
    def boot(self):
        """As the fixture `boot` and boot_once() take it."""
        return {"cpu": self.cpu, "opts": self.opts, "modules": self.modules, "timeout": 300}

    @property
    def command(self):
        """What repeats it by hand."""
        guest = "; ".join(f"build/guest/{file}.elf {words}" for file, words in self.modules)
        return f'make run MACHINE=bochs CPU_MODEL={self.cpu} OPTS="{self.opts}" GUEST="{guest}"'

    def __str__(self):
        changing = " policies=changing" if self.changing else ""
        neighbour = f" with={self.neighbour[0]}" if self.neighbour else ""
        return f"{self.opts}{changing}{neighbour} cpu={self.cpu} seed={self.seed}"


def matrix(cpus, first_seed=1):
    """Endless. Each turn has every policy, and from turn to turn on the next of these CPU models:
    each policy meets each model within as many turns as there are models."""
    number = 0
    while True:
        turn, policy = divmod(number, len(POLICIES))
        yield Run(
            policy=POLICIES[policy],
            cpu=cpus[(policy + turn) % len(cpus)],
            seed=first_seed + 3 * number,
            slice=SLICES[(turn + number) % len(SLICES)],
            host=number % 4 == 1,
            changing=number % 5 == 2,
            neighbour=NEIGHBOURS[(turn + policy) % len(NEIGHBOURS)],
        )
        number += 1


def switches(result):
    """Changes from one vCPU to another in this boot, on all CPUs."""
    return sum(
        record.number("switches") for record in result.all("fpu") if "snapshot" not in record
    )


def problems(result):
    """What went wrong, in lines; none: all is well."""
    found = [line for line in result.console.splitlines() if "| FAIL" in line]
    found += [line for line in result.console.splitlines() if "| torture: the steps" in line]
    passed = sum("| PASS torture" in line for line in result.console.splitlines())
    if passed != 4:  # c runs twice
        found.append(f"{passed} of 4 torture guests have passed")
    if result.status != 0:
        found.append(f"status {result.status} {result.message}".rstrip())
    return found

"""The machines that Resident is booted on: Bochs, QEMU with KVM, and QEMU without (TCG)."""

from dataclasses import dataclass

from bochs import BochsError, bochs
from kvm_host import Host


class MachineError(Exception):
    """The machine cannot be started; the text says why, and what to do."""


@dataclass(frozen=True)
class Machine:
    """What to boot on. `memory` is in MiB; 0 and "" stand for that machine's default, for `which`
    Bochs ("newest" or "system") for the knob's. `chipset` is QEMU's machine."""

    kind: str = "bochs"
    firmware: str = "bios"
    cpus: int = 1
    memory: int = 0
    cpu: str = ""
    which: str = ""
    chipset: str = ""

    def __post_init__(self):
        for name, value, accepted in (
            ("MACHINE", self.kind, ("bochs", "kvm", "tcg")),
            ("FIRMWARE", self.firmware, ("bios", "uefi")),
            ("CHIPSET", self.chipset, ("", "pc") if self.kind == "bochs" else ("", "pc", "q35")),
        ):
            if value not in accepted:
                words = ", ".join(filter(None, accepted))
                raise MachineError(f"{name}={value}: it is one of {words}")
        if self.kind == "kvm" and (wrong := Host().wrong()):
            raise MachineError(
                f"MACHINE=kvm, but KVM gives a guest no VMX here: {'; '.join(wrong)}. "
                "(MACHINE=bochs works.)"
            )

        if self.kind == "bochs":
            self.check_model()
        low, high = 32, 2048 if self.kind == "bochs" else 1 << 20
        if not low <= self.mebibytes <= high:
            raise MachineError(f"MEM={self.mebibytes}: it is {low} to {high} MiB for {self.kind}")

    @property
    def bochs(self):
        return bochs(self.which)

    def check_model(self):
        try:
            name, models = str(self.bochs), self.bochs.models
        except BochsError as error:
            raise MachineError(str(error)) from None
        if self.model.partition(",")[0] not in models:  # more features may follow
            raise MachineError(
                f"CPU_MODEL={self.model}: {name} has none of this name; its models are: "
                + " ".join(sorted(models))
            )

    @property
    def mebibytes(self):
        return self.memory or {"bios": 256, "uefi": 512}[self.firmware]

    @property
    def model(self):
        return self.cpu or {"bochs": "tigerlake", "kvm": "host", "tcg": "max"}[self.kind]

    def __str__(self):
        names = {"kvm": "QEMU/KVM", "tcg": "QEMU without KVM"}
        name = names.get(self.kind) or str(self.bochs)
        cpus = "1 CPU" if self.cpus == 1 else f"{self.cpus} CPUs"
        return f"{name} ({self.firmware.upper()}, {self.model}, {cpus}, {self.mebibytes} MiB)"


def default_kind():
    return "bochs" if Host().wrong() else "kvm"

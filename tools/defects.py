"""What each Bochs gets wrong, as data: a test asks Bochs.has() instead of holding silently for one
version. (What is no defect is not here.)"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Defect:
    """Wrong from version `since` on, right again from `mended` on (None: not yet), on the CPU models
    of `models` (none: on all)."""

    what: str
    since: tuple = (2, 7)
    mended: tuple = None
    models: frozenset = frozenset()

    def there(self, version, model=None):
        if version < self.since or (self.mended and version >= self.mended):
            return False
        return not self.models or model in self.models


# The oldest version that this project knows is 2.7.
DEFECTS = {
    "interrupt-exit-if0": Defect(
        "an external-interrupt exit is lost if the guest was entered with IF=0"
    ),
    "monitor-trap-flag": Defect("the monitor trap flag is offered and does nothing"),
    "xsavec-xsaves": Defect(
        "XSAVEC and XSAVES write AVX state over the header, and XRSTOR then faults", mended=(3, 0)
    ),
    "compact-mxcsr": Defect(
        "XRSTOR of a compacted image with SSE in its initial configuration leaves MXCSR alone",
        since=(3, 0),
        mended=(3, 1),
    ),
    "init-zmm-upper": Defect("XRSTOR that makes AVX initial zeroes bits 511:256 as well"),
    "pke-wd-supervisor": Defect("PKRU's WD bit holds for supervisor pages too"),
    "pkru-offset": Defect("CPUID.0Dh.9 (PKRU) is empty", mended=(3, 0)),
    "code-breakpoint-lost": Defect(
        "code breakpoints are lost after a change of virtual CPU", mended=(3, 1)
    ),
    "exception-exit-mov-ss": Defect(
        "an exit by an exception loses MOV SS blocking and the debug exception that it holds",
        mended=(3, 0),
    ),
    "exception-exit-rf": Defect(
        "an exit by a fault saves RF as it was, not as the fault would push it", mended=(3, 0)
    ),
    "port-breakpoint-no-element": Defect(
        "REP INS and OUTS with a count of 0 meet a breakpoint on their port"
    ),
    "cet-read-only-dirty": Defect(
        "a write to a read-only page with CR0.WP clear ends Bochs if the CPU has CET: OVMF does it",
        since=(3, 0),
        mended=(3, 1),
    ),
    "int1-single-step": Defect("INT1 with TF set reports BS", mended=(3, 1)),
    "no-tlb": Defect("every VM entry and exit flushes the TLB: a missing INVVPID cannot show"),
    "real-mode-cs-rpl": Defect(
        "a real-mode guest with a CS selector whose two low bits are set fails VM entry"
    ),
    "frozen-fdp": Defect("FDP is frozen", models=frozenset({"tigerlake"})),
    "apic-stays-off": Defect("a local APIC whose global enable bit was once cleared stays off"),
}

"""Interrupts that nobody asked for: a device that is never silent is masked and named."""

GUESTS = [
    ("fpu-hold", "name=a mem=8M -- rounds=40 seed=1 via=hlt"),
    ("integer", "name=b mem=8M -- rounds=60"),
]


def test_an_interrupt_that_comes_too_often_is_masked_at_its_source_and_named(boot):
    """By the I/O APIC, level-triggered, and by the 8259, both from the 8254 at 5 kHz."""
    result = boot(opts="crash=storm", modules=GUESTS)
    assert (result.status, result.message) == (0, "")
    for vector in ("0x51", "0x20"):
        told = f"interrupt vector {vector} from a device that nobody drives: ignored"
        assert result.console.count(told) == 1
        assert result.console.count(f"interrupt vector {vector} came 100 times") == 1
    masked = " of the I/O APIC at 0xfec00000 (vector 0x51, level-triggered) is masked"
    assert "input 2" + masked in result.console
    assert result.console.count("IRQ 0 of the 8259 is masked") == 1
    # what came after are the timer's own
    quiet = boot(modules=GUESTS).one("cpu", cpu=0).number("interrupts")
    assert result.one("cpu", cpu=0).number("interrupts") < quiet + 250


def test_the_timer_of_the_8254_is_no_stray(boot):
    result = boot(opts="timer=pit", modules=[("exits", "name=a mem=8M -- only=event-hlt-wakes")])
    assert result.status == 0
    assert result.one("cpu", cpu=0).number("interrupts") > 0
    assert "nobody drives" not in result.console

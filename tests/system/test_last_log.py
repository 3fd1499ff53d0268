"""What a boot said that did not end well is in memory after a warm reset."""

import pytest

HALTED = "the machine is halted"
GUEST = [("integer", "name=a mem=4M -- rounds=2")]


@pytest.mark.parametrize(
    "firmware", ["bios", pytest.param("uefi", marks=pytest.mark.nightly)]
)
def test_after_a_warm_reset_the_text_of_the_boot_before_is_shown(boot, firmware):
    """Both boots have log=last; the first has nothing to show, and says so."""
    result = boot(
        machine="tcg",
        firmware=firmware,
        opts="log=last panic=halt",
        monitor=[(HALTED, "system_reset")],
        until=rf"@lastlog(?s:.*){HALTED}",
        timeout=120,
    )
    first, _, second = result.console.partition(HALTED)
    said = first[first.index("Resident ") :] + HALTED + "."
    assert "ERROR: log=last: no boot" in said
    assert [line for line in second.splitlines() if line.startswith("last| ")] == [
        "last| " + line for line in said.splitlines()
    ]
    assert result.one("lastlog").has(bytes=len(said) + 1, damaged=0)
    # it is an end that nobody need look at again
    assert [end["status"] for end in result.all("end")] == ["1", "0"]


def test_after_a_panic_that_reboots_the_next_boot_says_where_its_text_is(boot):
    result = boot(opts="crash=pagefault panic=reboot", modules=GUEST, until="log=last", timeout=60)
    before, _, after = result.console.partition("panic=reboot: the machine starts again.")
    assert "#PF page fault" in before and "log=last" not in before
    assert "warning: the boot before did not end well" in after


def test_a_boot_that_ends_well_leaves_nothing_to_say(boot):
    result = boot(modules=GUEST)
    assert result.status == 0
    assert "log=last" not in result.console

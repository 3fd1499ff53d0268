"""What is typed on the hypervisor's console while guests run."""

import re

POLICIES = ["lazy", "scrub", "eager", "unload", "swap", "auto"]
HOLD = [
    ("fpu-hold", f"name={name} mem=4M runs=1000 -- seed={seed} rounds=1")
    for seed, name in enumerate("ab", 1)
]
BOTH_RAN = r"name=a state=ended[\s\S]*?name=b state=ended"


def test_the_policy_is_changed_by_command_and_no_guest_loses_anything(boot):
    result = boot(
        modules=HOLD,
        opts="slice=500",
        typed=[(BOTH_RAN, f"fpu={policy}\r") for policy in POLICIES],
        until=rf"@policy fpu=auto before=swap[\s\S]*?{BOTH_RAN}.*\n",
    )
    assert result.why == "until"
    assert [record["fpu"] for record in result.all("policy")] == POLICIES
    assert "FAIL" not in result.console
    for name in "ab":
        ended = result.all("vm", name=name, state="ended")
        assert len(ended) > len(POLICIES)
        assert {record["status"] for record in ended} == {"0"}


def test_a_command_that_is_not_known_is_answered_with_what_is(boot):
    result = boot(
        modules=HOLD,
        typed=[("state=started", "fpu=lasy\r"), ("no such policy", "reboot\n")],
        until=r"command reboot.*\n",
    )
    errors = re.findall(r"^ERROR: command (.*)$", result.console, re.M)
    assert [error.split(":")[0] for error in errors] == ["fpu=lasy", "reboot"]
    assert all("fpu=lazy|scrub|eager|unload|swap|auto" in error for error in errors)
    assert not result.all("policy")

"""The rules of VM entry (vmx/checks/entry_checks.h) against what a CPU does: each rule is broken, and Bochs
must say what the rules say (crash=entry-checks); and no rule fires on an entry that succeeds
(entrycheck=on). tests/unit/test_entry_checks.c has the rules alone."""

import glob
import os
import shutil
import subprocess

import pytest
from booting import ROOT, bochs
from defects import ENTRY_DEFECTS
from entry_checks import ABSENT, BOOT, PAGE, boots, deviations, documented, rows_of, table, texts
from entry_checks import Machine as Column
from test_torture import MOVING, RUNS
from torture_runs import Run, entries, problems

ALONE = ["lib/array.h", "lib/x86.h", "vmx/vmcs.h", "vmx/vmcs_fields.h", "vmx/vmcs_bits.h"]


def asked(boot, which, model):
    result = boot(bochs=which, cpu=model, **BOOT)
    assert result.status == 0
    return result, rows_of(result)


@pytest.mark.parametrize("which, model", boots())
def test_a_state_enters_and_fails_as_the_rule_says_that_is_broken_then(boot, which, model):
    result, rows = asked(boot, which, model)
    assert [row for row in rows if row.problem] == []
    trial = result.one("entry-trial")
    assert len(rows) == trial.number("rows")
    assert sum(row.cpu == ABSENT for row in rows) == trial.number("absent")
    assert {row.rule for row in rows} == set(texts(result.console))
    known = deviations(bochs(which).version)
    different = {row.name: row.cpu for row in rows if row.cpu != ABSENT and not row.agrees}
    there = {row.name for row in rows if row.cpu != ABSENT}
    expected = {name: says for name, says in known.items() if name in there}
    # a CPU without CET looks at the error code of each event
    if "host-cr4-cet" not in there:
        expected.pop("event-error-code-extra/2")
    assert different == expected


@pytest.mark.parametrize("which, model", boots())
def test_bochs_names_each_cause_in_its_log(boot, which, model):
    """One line for each entry that fails, in their order: some of them by its words."""
    rows = {row.name: row for row in asked(boot, which, model)[1]}
    assert all(row.log for row in rows.values() if row.cpu not in (ABSENT, "enters"))
    for name, words in {
        "vpid": "guest VPID == 0",
        "eptp-walk-length": "invalid EPTPTR value",
        "host-tr-null": "invalid host TR selector",
        "guest-pat": "invalid Memory Type in guest MSR_PAT",
        "gs-base": "GS.BASE non canonical",
        "link-current": "link pointer equal to current VMCS pointer",
        "msr-load-x2apic": " MSR 808",
    }.items():
        assert words in rows[name].log, name


def test_every_defect_of_vm_entry_is_met(boot):
    met = set()
    for which, model in boots():
        met |= {row.name for row in asked(boot, which, model)[1] if not row.agrees}
    wanted = {
        name
        for name, defect in ENTRY_DEFECTS.items()
        if any(defect.there(bochs(which).version) for which, _ in boots())
        and (bochs("newest").knows("sapphire_rapids") or not name.endswith("-pkrs"))
    }
    assert met == wanted


def test_the_table_of_the_docs_has_every_rule_and_verdict(boot):
    """As `tools/entry-checks --write` left it, but for the logs and KVM: test_peer.py looks at that."""
    columns, rules = {}, {}
    for which, model in boots():
        result, rows = asked(boot, which, model)
        rules = rules or texts(result.console)
        columns.setdefault(which, Column(str(bochs(which)))).add(rows)
    lines = [line.split(" | ")[:7] for line in table(rules, list(columns.values()))]
    with open(PAGE, encoding="utf-8") as file:
        page = [line.split(" | ")[:7] for line in file if line.startswith("|")]
    if list(map(str, map(bochs, ("system", "newest")))) != page[0][5:7]:
        pytest.skip("the table is of other versions of Bochs")
    assert [line for line in page if len(line) > 1] == [line for line in lines if len(line) > 1]
    silent = [name for name, row in documented().items() if row[page[0][6]].isdigit() and not row["log"]]
    assert silent == []


def model_of(run):
    return f"{run.cpu}-{run.cpus}"


def checked_torture(boot, run, steps):
    """To ask the rules takes longer than a short slice: between CPUs that hand vCPUs over at each turn
    nobody would enter a guest before the next kick."""
    if not bochs().knows(run.cpu):
        pytest.skip(f"{bochs()} has no CPU model {run.cpu}")
    slice_us = 5000 if run.cpus > 1 else run.slice
    checked = Run(**{**vars(run), "entrycheck": True, "slice": slice_us, "steps": steps})
    result = boot(**checked.boot)
    assert problems(checked, result) == []
    return result


def test_no_rule_fires_on_an_entry_that_succeeds(boot):
    assert entries(checked_torture(boot, RUNS[0], steps=150)) > 3000


@pytest.mark.nightly
@pytest.mark.parametrize("run", [*RUNS[1:], *MOVING], ids=model_of)
def test_nor_on_any_cpu_model_nor_where_guests_move(boot, run):
    assert entries(checked_torture(boot, run, steps=100 if run.cpus > 1 else 300)) > 2000


@pytest.mark.parametrize("guest", ["exits", pytest.param("exits32", marks=pytest.mark.nightly)])
def test_nor_on_those_that_inject_events_and_change_modes(boot, guest):
    result = boot(opts="entrycheck=on", modules=[(guest, "name=a mem=8M control=on -- control")])
    assert [line for line in result.lines("a") if line.startswith("FAIL")] == []
    watch = result.one("entry-watch", cpu=0)
    assert watch.number("wrong") == watch.number("unforeseen") == 0
    assert watch.number("checked") > 1000


def test_the_checker_compiles_alone(tmp_path):
    """With what its header names, and it needs nothing of anybody."""
    taken = [*ALONE, *glob.glob("vmx/checks/*.[ch]", root_dir=ROOT)]
    others = ("entry_here", "entry_break", "entry_bases")  # as the header says
    taken = [path for path in taken if not any(name in path for name in others)]
    for path in taken:
        os.makedirs(tmp_path / os.path.dirname(path), exist_ok=True)
        shutil.copy(os.path.join(ROOT, path), tmp_path / path)
    (tmp_path / "user.c").write_text(
        '#include "vmx/checks/entry_checks.h"\n'
        "static uint64_t zero(void *arg, uint32_t field) { (void)arg; (void)field; return 0; }\n"
        "int main(void)\n{\n"
        "\tstruct entry_source source = {.read = zero, .current_vmcs = ~0ull, .failed = true,\n"
        "\t\t.cpu = {.pin = ~0ull, .physical_bits = 46, .linear_bits = 48}};\n"
        "\tstruct entry_finding found;\n\n"
        "\treturn !entry_checks_find(&source, &found, 1) || found.rule->stage != ENTRY_CONTROLS;\n"
        "}\n"
    )
    sources = [path for path in taken if path.endswith(".c")]
    flags = ["-ffreestanding", "-Wall", "-Wextra", "-Werror", "-O2", "-I."]
    subprocess.run(["gcc", *flags, "-c", *sources, "user.c"], cwd=tmp_path, check=True)
    objects = sorted(glob.glob("*.o", root_dir=tmp_path))
    subprocess.run(["ld", "-r", "-o", "all.o", *objects], cwd=tmp_path, check=True)
    missing = subprocess.run(
        ["nm", "--undefined-only", "all.o"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert missing.stdout.split() in ([], ["U", "_GLOBAL_OFFSET_TABLE_"])
    subprocess.run(["gcc", "-o", "user", *objects], cwd=tmp_path, check=True)
    subprocess.run(["./user"], cwd=tmp_path, check=True)


def test_it_is_the_same_by_the_way_with_mitigations(boot):
    """Entries that fail come back to it on a path of their own."""
    plain, mitigated = (
        boot(**{**BOOT, "opts": f"{BOOT['opts']} mitigations={steps}"}) for steps in ("auto", "all")
    )
    assert mitigated.status == 0
    assert "mitigations=all" not in plain.console and "steps=none" not in mitigated.console
    assert [row.cpu for row in rows_of(mitigated)] == [row.cpu for row in rows_of(plain)]

"""How system tests boot Resident.

    def test_it(boot):
        result = boot(opts="fpu=lazy", modules=[("fpu-hold", "name=a mem=16M -- rounds=10"),
                                                ("integer", "name=b mem=16M -- rounds=10")])
        assert result.status == 0
        assert result.one("vm", name="a", state="ended")["cause"] == "exit-port"

`boot` takes, all by name:
    machine   "bochs" (default), "tcg" or "kvm"
    bochs     "newest" or "system", instead of what the knob BOCHS says
    cpu       the emulator's CPU model; default: tigerlake on Bochs
    firmware  "bios" or "uefi"
    chipset   "pc" or "q35", with machine="tcg" or "kvm"
    cpus, memory (MiB)
    ips       instructions in a second of Bochs' time
    opts      the hypervisor's command line
    modules   [(file, words)]: build/guest/FILE.elf, or any path that has a "/" in it;
              words as on a module line
    protocol  multiboot 2 or 1, with method="iso"
    screen    "text", or a BIOS's mode for GRUB's gfxpayload ("1024x768x24"; QEMU), with method="iso"
    method    "iso", or "kernel": QEMU's -kernel with build/resident32.elf
    timeout   seconds of wall time, 180 by default
    until     a regular expression: the boot is stopped once it is found on the console
    typed     [(regular expression, text)]: what is typed on COM1, each when the expression is found
              in what the console has printed since the one before
    commands  what the emulator's debugger (Bochs) or monitor (QEMU) does when the boot is stopped
              by `until` or `timeout`, instead of printing registers; what it prints is result.dump,
              files that it writes are in result.work:
              ['writemem "memory" 0x0 0x100000', "creg"] or
              ["info registers", 'pmemsave 0 0x100000 "memory"']
    monitor   [(regular expression, command)]: what QEMU's monitor does while the machine runs, each
              when the expression is found in what the console has printed since the one before. A
              reset starts the machine again then
    debugger  Bochs with its debugger, which is slow: `commands` asks for it too. A boot that hangs
              without it is repeated with it, for the registers in result.dump; one that was stopped
              by `until` has no dump
    magic     a guest's XCHG BX,BX stops Bochs, which goes on with the next of `commands`

and returns
    status    as tools/run ends: 0 or 1 by @end; 3: emulator trouble; 124: time limit
    message   what was odd, if anything was
    why       "ended" (by itself), "until" or "timeout"
    console   text without carriage returns and escape sequences; raw: the bytes
    records   every `@` line: record.kind, record["key"] (text), record.number("key")
    all("fpu", cpu=0)   the records of a kind with these values
    one("fpu", cpu=0)   the only such record; the test fails if there is none or several
    lines("a")          what guest "a" printed, without its mark "a| "
    dump, log, work, seconds

Boots with equal parameters are deterministic, but for when `typed` is typed and where `until`
stops, so they are made once in a session, also across pytest-xdist's processes.
A test that fails shows the console's tail of each boot that it asked for.
"""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from booting import BUILD, shared_boot  # noqa: E402

BOOTS = pytest.StashKey()


def pytest_configure(config):
    config.addinivalue_line("markers", "nightly: takes too long for make test (make nightly)")


@pytest.fixture(scope="session")
def boot_directory(tmp_path_factory):
    if not os.path.exists(os.path.join(BUILD, "resident.elf")):
        pytest.exit("build/resident.elf is not there: run make", returncode=2)
    base = tmp_path_factory.getbasetemp()
    return str(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


@pytest.fixture
def boot(request, boot_directory):
    def make(**parameters):
        result = shared_boot(boot_directory, parameters)
        request.node.stash.setdefault(BOOTS, []).append(result)
        return result

    return make


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for result in item.stash.get(BOOTS, []):
            report.sections.append((f"boot on {result.title}", result.report()))

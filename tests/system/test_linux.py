"""Linux as a guest: Debian's kernel, and the FPU's truth by other people's code."""

import os
import re
import subprocess

import pytest
from booting import ROOT, bochs, made_once
from initrd import InitrdError
from linux_guests import CPU, IPS, READY, WHICH, WORDS, Linux, machine_mebibytes

SPOILS = ("init-zmm-upper", "smp-exception-exit", "smp-sti-window")  # torture stays away
POLICIES = ("lazy", "scrub", "eager", "unload", "swap", "auto")
INSTRUCTIONS, SECONDS = 1500000000, 60  # from power on to the shell

# Of the kernel's package: what computes with vector registers, and has self-tests.
CRYPTO = (
    "aesni-intel",
    "ghash-clmulni-intel",
    "sha1-ssse3",
    "sha256-ssse3",
    "sha512-ssse3",
    "chacha-x86_64",
    "poly1305-x86_64",
    "camellia-aesni-avx2",
    "serpent-avx2",
    "twofish-avx-x86_64",
    "cast5-avx-x86_64",
    "cast6-avx-x86_64",
    "nhpoly1305-avx2",
    "curve25519-x86_64",
    "crc32-pclmul",
    "crct10dif-pclmul",
    "aegis128-aesni",
    "xor",
    "raid6_pq",
)
TESTED = ("sha512-avx2", "chacha20-simd", "poly1305-simd", "__cbc-serpent-avx2", "generic-gcm-aesni")

# Where it asks for one, the next policy is typed.
ASKS = "fpu policy"
KEEPS = "; ".join(f"echo {ASKS} {p}; fpukeep {{rounds}} {i}" for i, p in enumerate(POLICIES, 1))


@pytest.fixture
def linux(boot, boot_directory):
    """Boots guests of a Linux, with more modules, and the other parameters of `boot`."""

    def make(kernel, names=("a",), modules=(), memory=128, options="", **parameters):
        name = f"initrd-{abs(hash(kernel)):x}-{os.getpid()}"
        try:
            initrd = made_once(boot_directory, name, lambda work: archive(kernel, work))
        except InitrdError as error:
            pytest.skip(str(error))
        mebibytes = machine_mebibytes(kernel, initrd, len(names), memory) + 16 * len(modules)
        guests = [m for n in names for m in kernel.guest(n, initrd, options, memory)]
        return boot(
            modules=[*((m.path, m.words) for m in guests), *modules],
            **{"cpu": CPU, "bochs": WHICH, "ips": IPS, "memory": mebibytes, **parameters},
        )

    return make


def archive(kernel, work):
    into = os.path.join(work, "initrd")
    kernel.make_initrd(into)
    return into


def ended(result, name):
    record = result.one("vm", name=name, state="ended")
    return record.number("status"), record["cause"]


def test_a_shell_on_the_serial_port_takes_what_is_typed(linux):
    typed = (
        ("state=started", "focus a\r"),
        (READY, "echo $((6 * 7)) is it; uname -m\r"),
        ("42 is it", "exit 5\r"),
    )
    result = linux(Linux(words=f"{WORDS} quiet"), typed=typed)
    assert ended(result, "a") == (5, "exit-port")
    assert result.lines("a")[-2:] == ["42 is it", "x86_64"]
    assert result.one("cpu")["tsc"] and result.one("cpu").number("tsc") < INSTRUCTIONS


def make_linux(command=("tools/linux",), **knobs):
    names = "CMD LINUX WORDS GUESTS VCPUS GUEST_MEM BESIDE CPUS MEM CPU_MODEL MACHINE BOCHS OPTS TIMEOUT"
    clean = {name: value for name, value in os.environ.items() if name not in names.split()}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**clean, **knobs},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if "run tools/setup peer" in done.stderr:
        pytest.skip(done.stderr)
    return done


def test_make_linux_ends_with_the_status_of_its_command():
    done = make_linux(CMD="uname -r; date +%Y; exit 7", WORDS="quiet")
    assert done.returncode == 7, done.stderr
    assert re.search(r"^linux\| \d+\.\d+\S*\nlinux\| 2026$", done.stdout, re.M)


@pytest.mark.parametrize(
    "knob, value, says",
    [
        ("LINUX", "/nowhere", "LINUX: cannot read /nowhere: No such file"),
        ("LINUX", "README.md", "LINUX: README.md is not a Linux bzImage"),
        ("LINUX", "build/guest/integer.elf", "is not a Linux bzImage"),
        ("BESIDE", "/nowhere", "BESIDE: cannot read /nowhere"),
        ("GUESTS", "0", "GUESTS=0: it is a positive number"),
        ("GUESTS", "99", "GUESTS=99 and GUEST_MEM=128 are too many"),
        ("VCPUS", "two", "VCPUS=two: it is a positive number"),
        ("TIMEOUT", "0", "TIMEOUT=0: it is a positive number"),
    ],
)
def test_make_linux_says_which_knob_is_wrong_before_it_boots(knob, value, says):
    done = make_linux(CMD="true", MACHINE="bochs", **{knob: value})
    assert done.returncode == 2
    assert says in done.stderr and "booting" not in done.stderr


@pytest.mark.nightly
def test_make_linux_ends_where_a_guest_restarts_instead_of_running_its_command_again():
    done = make_linux(CMD="reboot -f", WORDS="quiet", TIMEOUT="300")
    assert done.returncode == 1
    assert "a guest has restarted" in done.stderr


@pytest.mark.nightly
def test_the_end_of_the_first_guest_s_shell_ends_the_others_too():
    done = make_linux(GUESTS="2", WORDS="quiet", TIMEOUT="300")
    assert done.returncode == 0


@pytest.mark.nightly
def test_a_closed_standard_input_ends_the_shell():
    done = make_linux(("sh", "-c", "exec tools/linux <&-"), WORDS="quiet", TIMEOUT="300")
    assert done.returncode == 0


def problems(result, name, keeps):
    """What one Linux found wrong."""
    lines = result.lines(name)
    found = [line for line in lines if re.search(r"BUG:|WARNING: CPU|Oops|alg: .*(fail|error)", line)]
    kept = [line for line in lines if line.startswith("fpukeep: processes=")]
    wrong = [line for line in lines if line.startswith("fpukeep: process ")]
    if len(kept) != keeps or not all(line.endswith("registers=avx512bw wrong=0") for line in kept):
        found.append(f"{len(kept)} of {keeps} times patterns were kept: {kept}")
    tests = re.search(r"crypto: passed=(\d+) failed=0\n", "\n".join(lines))
    if not tests or int(tests[1]) < 80:
        found.append("crypto's self-tests have not passed")
    names = re.findall(r"^crypto: (\S+) of \S+: passed$", "\n".join(lines), re.M)
    found += [f"{test} is not among what was tested" for test in TESTED if test not in names]
    if not any(line.startswith("raid6: using algorithm avx512") for line in lines):
        found.append("raid6 has chosen no algorithm with AVX-512")
    return found + wrong


def truth(linux, rounds, vcpus, opts="", **parameters):
    """Three at once, whose registers are kept under each policy, beside others."""
    command = f"crypto-selftest && {KEEPS.format(rounds=rounds)}"
    kernel = Linux(command, modules=CRYPTO, words=f"{WORDS} quiet")
    names = ("a", "b", "c")
    leave = [defect for defect in SPOILS if bochs(WHICH).has(defect)]
    others = (
        ("torture", f"name=torture mem=4M -- seed=7 steps=100000000 {' '.join(leave)}"),
        ("integer", "name=integer mem=4M control=on -- forever"),
    )
    typed = [("state=started", "stop torture\rstop integer\r")]
    typed += [(f"a. {ASKS} {p}", f"fpu={p}\rstart torture\rstart integer\r") for p in POLICIES]
    typed += [(r"(?s)(@vm name=[abc] state=ended.*){3}", "end torture\r")]
    result = linux(
        kernel, names, others, options=f"vcpus={vcpus}", opts=opts, typed=typed, **parameters
    )
    found = [f"{n}: {line}" for n in names for line in problems(result, n, len(POLICIES))]
    found += [line for line in result.console.splitlines() if "| FAIL" in line]
    assert not found
    assert [ended(result, name) for name in names] == [(0, "exit-port")] * 3
    told = [record["fpu"] for record in result.all("policy")]
    assert told == list(POLICIES)
    return result


def test_no_register_of_three_guests_is_wrong_under_any_policy(linux):
    result = truth(linux, 20, vcpus=2, timeout=400)
    own = [record for record in result.all("fpuctx") if record["vm"] in ("a", "b", "c")]
    assert len(own) == 6 and all(record.number("loads") > 100 for record in own)


# A part of an hour each: (CPUs, vCPUs of each guest, the hypervisor's options). With several CPUs
# Bochs tells the wrong place now and then where an exit meets an exception (tools/defects.py:
# smp-exception-exit): the fewer exits by timer, the better.
HOUR = (
    (1, 1, "slice=500"),
    (1, 4, "slice=500"),
    (1, 2, "hostfpu=exits"),
    (2, 1, "slice=20000 migrate=2"),
    (2, 2, "slice=20000"),
    (2, 4, "slice=20000"),
)


@pytest.mark.nightly
@pytest.mark.parametrize("cpus, vcpus, opts", HOUR)
def test_no_register_is_wrong_in_an_hour(linux, cpus, vcpus, opts):
    truth(linux, 1500, vcpus, opts, cpus=cpus, timeout=3000)

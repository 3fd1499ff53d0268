"""tools/check_order.py, in a small tree of the test's."""

import os
import subprocess

import pytest
from booting import ROOT

TREE = {
    "lib/text.h": "int length(const char *text);\n",
    "lib/text.c": '#include "lib/text.h"\nint length(const char *text) { return *text; }\n',
    "lib/assert.h": "_Noreturn void panic(const char *why) __attribute__((noinline));\n",
    "boot/fault.c": '#include "lib/assert.h"\nvoid panic(const char *why) { for (;;) *why; }\n',
    "vmm/hypercall.h": "#define VERSION 2\n",
    "vmm/exit/hypercall.c": '#include "vmm/exit/dispatch.h"\n#include "vmm/hypercall.h"\n',
    "vmm/foot.h": "/* see vmm/run.h */\nextern int uart_port, uart_speed[2];\n",
    "vmm/foot.c": '#include "vmm/foot.h"\nint uart_port, uart_speed[2];\n',
    "vmm/vm.h": '#include "vmm/foot.h"\nvoid vm_end(void);\n',
    "vmm/vm.c": '#include "vmm/vm.h"\n#include "vmm/hypercall.h"\nvoid vm_end(void) {}\n',
    "vmm/exit/dispatch.h": '#include "vmm/vm.h"\nstatic inline void out(void) { int x; vm_end(); }\n',
    "vmm/exit/dispatch.c": '#include "vmm/exit/dispatch.h"\n#include "lib/text.h"\n',
    "vmm/sched/run.h": "void run(void);\n",
    "vmm/sched/run.c": '#include "vmm/sched/run.h"\n#include "vmm/exit/dispatch.h"\nvoid run(void) {}\n',
    "vmm/main.c": '#include "vmm/sched/run.h"\n',
}


@pytest.fixture
def check(tmp_path):
    """Runs the checker on TREE with these files more or otherwise: what it printed."""

    def run(files, status=1):
        for name, text in (TREE | files).items():
            path, built = tmp_path / name, tmp_path / f"build/{name}.o"
            path.parent.mkdir(parents=True, exist_ok=True)
            built.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for name in TREE | files:
            if not name.endswith(".h"):
                command = ["gcc", "-w", "-ffreestanding", "-I.", "-c", name]
                subprocess.run([*command, "-o", f"build/{name}.o"], cwd=tmp_path, check=True)
        for command in (["init", "-q"], ["add", "."]):
            subprocess.run(["git", *command], cwd=tmp_path, check=True)
        done = subprocess.run(
            ["/usr/bin/python3", os.path.join(ROOT, "tools/check_order.py")],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (status, "")
        return done.stdout.splitlines()

    return run


def test_what_is_in_order_passes(check):
    assert check({}, status=0) == ["10 units, 9 ties"]


def test_a_room_above_may_not_be_used(check):
    assert check({"vmm/foot.c": '#include "vmm/vm.h"\nint uart_port, uart_speed[2];\n'})[0] == (
        "above it: vmm/foot.c:1 includes vmm/vm.h"
    )
    assert check({"vmm/vm.c": '#include "vmm/sched/run.h"\n'})[0] == (
        "above it: vmm/vm.c:1 includes vmm/sched/run.h"
    )


def test_a_room_is_a_folder_or_a_list_of_files(check):
    folder = {"vmm/exit/hypercall.c": '#include "vmm/sched/run.h"\n'}
    listed = {"vmm/options.c": '#include "vmm/sched/run.h"\n'}
    assert check(folder) == ["above it: vmm/exit/hypercall.c:1 includes vmm/sched/run.h"]
    assert check(folder | listed)[-1] == "above it: vmm/options.c:1 includes vmm/sched/run.h"


def test_a_folder_that_is_no_room_is_named(check):
    assert check({"vmm/attic/old.h": ""}) == [
        "vmm/attic/old.h: its folder is no room of tools/check_order.py",
    ]


def test_a_circle_of_includes_is_found_over_any_number_of_files(check):
    assert check(
        {
            "lib/text.c": '#include "lib/a.h"\n',
            "lib/a.h": '#include "lib/b.h"\n',
            "lib/b.h": "",
            "lib/b.S": '#include "lib/c.h"\n',
            "lib/c.h": "#define C 1\n",
            "lib/c.c": '#include "lib/text.h"\n',
        }
    ) == [
        "a circle: lib/a, lib/b, lib/c, lib/text",
        "  lib/a.h:1 includes lib/b.h",
        "  lib/b.S:1 includes lib/c.h",
        "  lib/c.c:1 includes lib/text.h",
        "  lib/text.c:1 includes lib/a.h",
    ]


def test_what_a_header_declares_and_another_unit_defines_ties_them(check):
    split = '#include "vmm/vm.h"\nvoid vm_end(void) {}\n'
    assert check({"vmm/vm.c": "", "vmm/vm_end.c": split}) == [
        "a circle: vmm/vm, vmm/vm_end",
        "  vmm/vm.h declares vm_end, which vmm/vm_end.c defines",
        "  vmm/vm_end.c:1 includes vmm/vm.h",
    ]
    port = '#include "vmm/foot.h"\nint uart_speed[2];\n'
    assert check({"vmm/foot.c": "int uart_port;\n", "vmm/queue.c": port})[0] == (
        "a circle: vmm/foot, vmm/queue"
    )


def test_a_header_that_declares_what_a_room_above_defines_is_out_of_order(check):
    assert check({"vmm/vm.h": "void vm_end(void);\nvoid run(void);\n"})[0] == (
        "above it: vmm/vm.h declares run, which vmm/sched/run.c defines"
    )

"""The image for a USB stick: it boots as a disk does, and is written on sticks only."""

import os
import re

import pytest
from booting import BUILD
from emulator import Emulator
from iso import MENU_LAST_LOG, make_iso
from machine import Machine
from records import plain
from usb_device import DeviceError, check, write

HALTED = "the machine is halted"


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("usb") / "resident.img")
    make_iso(path, os.path.join(BUILD, "resident.elf"), "panic=halt", menu=True)
    return path


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_it_boots_from_a_disk(image, tmp_path, firmware):
    """A BIOS's menu waits without a word on COM1."""
    emulator = Emulator(Machine("tcg", firmware), str(tmp_path), image, disk=True)
    ending = emulator.run(120, until=HALTED)
    assert ending.why == "until"
    assert "this machine has no VMX" in plain(ending.console)
    assert f"firmware={firmware}" in plain(ending.console)


@pytest.mark.nightly
def test_its_menu_shows_what_the_last_boot_said(image, tmp_path):
    """UEFI shows GRUB's menu on COM1 too."""
    title = re.escape(MENU_LAST_LOG)
    emulator = Emulator(
        Machine("tcg", "uefi"),
        str(tmp_path),
        image,
        disk=True,
        monitor=[(HALTED, "system_reset"), (title, "sendkey down"), ("", "sendkey ret")],
    )
    ending = emulator.run(180, until=rf"@lastlog(?s:.*){HALTED}")
    assert ending.why == "until"
    assert "last| ERROR: this machine has no VMX" in plain(ending.console)


class Computer:
    """A /sys and a /proc with a disk, and a file that passes for its device."""

    def __init__(self, folder, removable=1, size=64 << 20, read_only=0):
        self.sys, self.proc, self.device = folder / "sys", folder / "proc", folder / "sdx"
        self.device.write_bytes(b"\xff" * 1000)
        self.disk = self.sys / "block/sdx"
        (self.disk / "device").mkdir(parents=True)
        (self.disk / "holders").mkdir()
        (self.disk / "sdx1/holders").mkdir(parents=True)
        for name, value in (("removable", removable), ("size", size // 512), ("ro", read_only)):
            (self.disk / name).write_text(f"{value}\n")
        (self.disk / "device/vendor").write_text("Kingston \n")
        (self.disk / "device/model").write_text("DataTraveler \n")
        (self.proc / "self").mkdir(parents=True)
        self.mounts("/dev/sda1 / ext4 rw 0 0")
        (self.proc / "swaps").write_text("Filename Type Size Used Priority\n")

    def mounts(self, line):
        (self.proc / "self/mounts").write_text(line + "\n")

    def check(self, size=5 << 20, device=None, is_block=lambda path: True):
        return check(str(device or self.device), size, str(self.sys), str(self.proc), is_block)


def test_a_stick_is_accepted_and_named(tmp_path):
    assert Computer(tmp_path).check() == "Kingston DataTraveler, 64 MiB"


@pytest.mark.parametrize(
    "properties, size, why",
    [
        ({"removable": 0}, 1000, "not removable"),
        ({"read_only": 1}, 1000, "write-protected"),
        ({"size": 1 << 20}, 5 << 20, "larger stick"),
        ({"size": 0}, 1000, "larger stick"),
    ],
)
def test_another_disk_is_refused(tmp_path, properties, size, why):
    with pytest.raises(DeviceError, match=why):
        Computer(tmp_path, **properties).check(size)


def test_what_is_no_whole_disk_is_refused(tmp_path):
    computer = Computer(tmp_path)
    part = tmp_path / "sdx1"
    part.write_bytes(b"")
    with pytest.raises(DeviceError, match="whole disk"):
        computer.check(device=part)
    with pytest.raises(DeviceError, match="no disk"):
        computer.check(is_block=lambda path: False)
    with pytest.raises(DeviceError, match="not there"):
        computer.check(device=tmp_path / "nothing")


def test_a_stick_in_use_is_refused(tmp_path):
    computer = Computer(tmp_path)
    for line in ("/dev/sdx1 /media/stick vfat rw 0 0", "/dev/sdx /mnt iso9660 ro 0 0"):
        computer.mounts(line)
        with pytest.raises(DeviceError, match="in use: /dev/sdx.*Unmount"):
            computer.check()
    computer.mounts("/dev/sdy1 / ext4 rw 0 0")
    computer.check()
    (computer.disk / "sdx1/holders/dm-0").write_text("")
    with pytest.raises(DeviceError, match="dm-0"):
        computer.check()


def test_what_is_written_is_the_image_and_what_is_not_is_told(tmp_path):
    image, device = tmp_path / "image", tmp_path / "device"
    image.write_bytes(os.urandom((9 << 20) + 512))
    device.write_bytes(b"\xff" * (10 << 20))
    write(str(image), str(device))
    assert device.read_bytes() == image.read_bytes() + b"\xff" * ((1 << 20) - 512)
    with pytest.raises(OSError):  # it takes nothing
        write(str(image), "/dev/full")

    def lose_a_byte(done, size):
        with open(device, "r+b") as file:
            file.seek(done - 1)
            byte = file.read(1)[0]
            file.seek(done - 1)
            file.write(bytes([byte ^ 1]))

    with pytest.raises(DeviceError, match="defective"):
        write(str(image), str(device), lose_a_byte)

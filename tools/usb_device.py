"""Writing an image on a USB stick: what a device has to be, and the writing."""

import glob
import os
import stat

PIECE = 4 << 20
SECTOR = 512  # bytes of a unit in /sys/block/*/size, whatever the device's own sectors are


class DeviceError(Exception):
    """It is not written on; the text says why, and what to do."""


def read(path):
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def users(name, sys_root, proc_root):
    """Where a disk or a part of it is in use: file systems, swap, and disks made of it."""
    disk = f"{sys_root}/block/{name}"
    places = [disk, *sorted(glob.glob(f"{disk}/{name}*"))]
    devices = [f"/dev/{os.path.basename(place)}" for place in places]
    found = []
    for table in ("self/mounts", "swaps"):
        for line in read(f"{proc_root}/{table}").splitlines():
            device, where = line.split()[:2]
            if os.path.realpath(device) in devices:
                found.append(f"{device} ({'swap' if table == 'swaps' else where})")
    for device, place in zip(devices, places):
        holders = map(os.path.basename, glob.glob(f"{place}/holders/*"))
        found += [f"{device} ({holder})" for holder in holders]
    return found


def is_block_device(path):
    return stat.S_ISBLK(os.stat(path).st_mode)


def check(device, size, sys_root="/sys", proc_root="/proc", is_block=is_block_device):
    """What is known of a device on which `size` bytes may be written; else DeviceError."""
    if not os.path.exists(device):
        raise DeviceError(f"{device} is not there: lsblk lists the disks")
    if not is_block(device):
        raise DeviceError(f"{device} is no disk: lsblk lists them")
    name = os.path.basename(os.path.realpath(device))
    disk = f"{sys_root}/block/{name}"
    if not os.path.isdir(disk):
        raise DeviceError(f"{device} is a part of a disk: name the whole disk, as /dev/sdX")
    if read(f"{disk}/removable") != "1":
        raise DeviceError(
            f"{device} is not removable, so it may be this machine's own disk. If you are sure, "
            "write it with the line that make usb prints without DEVICE"
        )
    if read(f"{disk}/ro") == "1":
        raise DeviceError(f"{device} is write-protected")
    there = int(read(f"{disk}/size") or 0) * SECTOR
    if there < size:
        raise DeviceError(f"{device} has {there} bytes, and the image {size}: use a larger stick")
    used = users(name, sys_root, proc_root)
    if used:
        raise DeviceError(f"{device} is in use: {'; '.join(used)}. Unmount it first")
    if not os.access(device, os.W_OK):
        raise DeviceError(f"{device} may not be written by this user: sudo tools/usb {device}")
    model = " ".join(filter(None, (read(f"{disk}/device/{what}") for what in ("vendor", "model"))))
    return f"{model or 'a disk'}, {there >> 20} MiB"


def write(image, device, say=lambda done, size: None):
    """Writes it, and reads it back. The kernel refuses a device that is mounted (O_EXCL)."""
    size = os.path.getsize(image)
    with open(image, "rb") as source:
        target = os.open(device, os.O_RDWR | os.O_EXCL)
        try:
            while piece := source.read(PIECE):
                while piece:
                    piece = piece[os.write(target, piece) :]
                say(source.tell(), size)
            os.fsync(target)
            os.posix_fadvise(target, 0, 0, os.POSIX_FADV_DONTNEED)
            os.lseek(target, 0, os.SEEK_SET)
            source.seek(0)
            while piece := source.read(PIECE):
                if read_exactly(target, len(piece)) != piece:
                    raise DeviceError(f"{device} does not hold what was written: it is defective")
        finally:
            os.close(target)


def read_exactly(file, size):
    data = b""
    while len(data) < size and (more := os.read(file, size - len(data))):
        data += more
    return data

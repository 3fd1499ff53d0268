"""Whether KVM can give a guest VMX on this host, and if not what is missing and how to mend it."""

import grp
import os
import re

AGAIN = "as root, while no VM runs: modprobe -r kvm_intel && modprobe kvm_intel"
# Parameters of kvm_intel that Resident needs.
NEEDED = ("nested", "ept", "unrestricted_guest")


class Host:
    """What is asked of a host; `root` is where its /proc, /sys and /dev are."""

    def __init__(self, root="/", access=os.access):
        self.root, self.access = root, access

    def path(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def read(self, name):
        try:
            with open(self.path(name), encoding="ascii", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def cpu(self, key):
        found = re.search(rf"^{key}\s*:\s*(.*)$", self.read("/proc/cpuinfo"), re.M)
        return found[1].split() if found else []

    def wrong_with_cpu(self):
        vendor, flags = " ".join(self.cpu("vendor_id")), self.cpu("flags")
        if vendor != "GenuineIntel":
            name = vendor or "no x86 one"
            return (
                f"the CPU ({name}) has no VMX: Resident needs Intel's, and KVM passes on only what "
                "the host has. Take a host with an Intel CPU"
            )
        if "vmx" in flags:
            return ""
        if "hypervisor" in flags:
            return (
                "this host is a virtual machine itself, to which its hypervisor gives no VMX: nested "
                "virtualization has to be switched on there, or take a bare machine"
            )
        return (
            "VT-x is switched off, or not there: enable it in the host's BIOS or UEFI setup, and "
            "switch the host off and on"
        )

    def wrong_with_module(self):
        folder = "/sys/module/kvm_intel"
        if not os.path.isdir(self.path(folder)):
            return "kvm_intel is not loaded: as root, modprobe kvm_intel nested=1"
        off = [
            name
            for name in NEEDED
            if self.read(f"{folder}/parameters/{name}").strip() not in ("Y", "1")
        ]
        if not off:
            return ""
        options = " ".join(f"{name}=1" for name in off)
        return (
            f"kvm_intel was loaded without {options}: {AGAIN} {options}. For good: "
            f'echo "options kvm_intel {options}" > /etc/modprobe.d/kvm_intel.conf'
        )

    def wrong_with_device(self):
        device = self.path("/dev/kvm")
        if not os.path.exists(device):
            return (
                "there is no /dev/kvm: as root, modprobe kvm_intel; in a container, start that with "
                "--device=/dev/kvm"
            )
        if self.access(device, os.R_OK | os.W_OK):
            return ""
        try:
            group = grp.getgrgid(os.stat(device).st_gid).gr_name
        except KeyError:
            group = "kvm"
        return (
            f"you may not read and write /dev/kvm: sudo usermod -aG {group} $USER, and log in anew"
        )

    def wrong(self):
        """Everything that keeps a guest of KVM's from having VMX here, a sentence each; []: it can
        have it. Without a CPU for it the rest is no matter."""
        if cpu := self.wrong_with_cpu():
            return [cpu]
        return list(filter(None, (self.wrong_with_module(), self.wrong_with_device())))

"""The console as data: `@kind key=value ...` records, and what they say about how a boot went."""

import re

ESCAPE = re.compile(r"\x1b(\[[0-9;=?]*[A-Za-z]|.)")  # firmware and GRUB colour and clear the screen


ERASED = re.compile(r"[^\n]*\x1b\[2K\r")  # what was typed in the monitor, before a line was printed


def plain(console):
    """Console bytes as text: no carriage returns, no escape sequences, nothing that was erased."""
    text = ERASED.sub("", console.decode("utf-8", "replace"))
    return ESCAPE.sub("", text).replace("\r", "")


class Record(dict):
    """One record: its kind, and its values by name, as text. number("count") is an integer."""

    def __init__(self, kind, values):
        super().__init__(values)
        self.kind = kind

    def number(self, key):
        return int(self[key], 0)

    def has(self, **values):
        return all(self.get(key) == str(value) for key, value in values.items())


def records(text):
    found = []
    for line in text.split("\n"):
        if match := re.match(r"@([a-z0-9_-]+)((?: \S+)*)\s*$", line):
            pairs = [word.partition("=") for word in match[2].split()]
            found.append(Record(match[1], {key: value for key, _, value in pairs}))
    return found


def verdict(ending):
    """The exit status that a boot deserves, and what was odd: 0 and 1 are the hypervisor's own, by
    its @end record; 124 is the time limit, 3 trouble with the emulator. How the emulator's process
    ended says nothing: the same end has another status in another version, or none."""
    if ending.why == "timeout":
        return 124, "stopped by the time limit"
    ends = [
        record.get("status") for record in records(plain(ending.console)) if record.kind == "end"
    ]
    if len(ends) == 1 and ends[0] in ("0", "1"):
        return int(ends[0]), ""
    if ends:
        return 1, f"{len(ends)} @end records on the console, and there should be one"
    if not ending.console or ending.code not in (0, 1, 3):
        return 3, f"the emulator ended with code {ending.code}, without an @end record"
    return 1, "the machine ended without an @end record on the console"

"""What a suite's kernels said in both places, compared test by test."""

from collections import Counter

KINDS = ("pass", "fail", "skip")
SHOWN = 6  # differences in a row of the table


def results(side, patterns):
    """How often each (kind, name of a test) was said: the name is what the expression's first group
    matched or, without one, what follows on the line."""
    found = Counter()
    for line in side.lines if side else ():
        for kind in KINDS:
            match = patterns[kind] and patterns[kind].search(line)
            if not match:
                continue
            name = match[1] or "" if match.re.groups else line[match.end() :]
            if patterns["drop"]:
                name = patterns["drop"].sub("", name)
            found[kind, name.strip(" \t:.")] += 1
            break
    return found


class Outcome:
    def __init__(self, kernel, bare, guest):
        self.kernel, self.bare, self.guest = kernel, bare, guest
        self.left = not bare or not guest
        self.counted = {
            "bare": results(bare, kernel.patterns),
            "guest": results(guest, kernel.patterns),
        }

    def counts(self, place):
        total = Counter()
        for (kind, _), times in self.counted[place].items():
            total[kind] += times
        words = f"{total['pass']} pass, {total['fail']} fail"
        return words + (f", {total['skip']} skip" if total["skip"] else "")

    @property
    def differences(self):
        """In words, one a test; how it ended counts only if one of the two came to no end."""
        if self.left:
            return []
        bare, guest = self.counted["bare"], self.counted["guest"]
        names = dict.fromkeys(name for _, name in [*bare, *guest])
        found = []
        for name in names:
            here, there = (
                [f"{kind} {side[kind, name]} times" if side[kind, name] > 1 else kind
                 for kind in KINDS if side[kind, name]] or ["not there"]
                for side in (bare, guest)
            )  # fmt: skip
            if here != there:
                found.append(f"{name or 'a test without a name'}: {'+'.join(here)}, as a guest {'+'.join(there)}")
        if self.bare.complete != self.guest.complete:
            found.append(f"bare: {self.bare.ending}; as a guest: {self.guest.ending}")
        if not bare and not guest:
            found.append("neither place printed a result that is counted (pass, fail, skip)")
        return found

    @property
    def differs(self):
        return bool(self.differences)

    @property
    def verdict(self):
        if self.left:
            return f"left out: {self.kernel.leave}"
        return "differs" if self.differs else "same"


def row(outcome):
    if outcome.left:
        return [outcome.kernel.name, "-", "-", outcome.verdict]
    shown = outcome.differences[:SHOWN]
    more = len(outcome.differences) - len(shown)
    words = "; ".join(shown + ([f"and {more} more"] if more else [])) or "no"
    sides = [
        f"{outcome.counts(place)} ({getattr(outcome, place).ending})" for place in ("bare", "guest")
    ]
    return [outcome.kernel.name, *sides, words.replace("|", "/")]


def table(outcomes):
    """As Markdown has it, with columns that stand below each other."""
    rows = [["kernel", "bare Bochs", "guest", "differs"], *map(row, outcomes)]
    widths = [max(len(line[column]) for line in rows) for column in range(3)]

    def line(cells):
        padded = [cell.ljust(width) for cell, width in zip(cells, widths)]
        return "| " + " | ".join([*padded, cells[3]]) + " |"

    ruler = "|" + "|".join("-" * (width + 2) for width in widths) + "|---|"
    return "\n".join([line(rows[0]), ruler, *map(line, rows[1:])])


def total(outcomes):
    left = sum(outcome.left for outcome in outcomes)
    differ = sum(outcome.differs for outcome in outcomes)
    words = f"suite: {len(outcomes) - left} kernels, {differ} differ"
    return words + (f", {left} left out" if left else "")


def tap(number, outcome):
    name = outcome.kernel.name.replace("#", "\\#")
    if outcome.left:
        return f"ok {number} - {name} # SKIP {outcome.kernel.leave}"
    lines = [f"{'not ok' if outcome.differs else 'ok'} {number} - {name}"]
    lines += [
        f"# {place}: {outcome.counts(place)} ({getattr(outcome, place).ending})"
        for place in ("bare", "guest")
    ]
    return "\n".join(lines + [f"# differs: {words}" for words in outcome.differences])

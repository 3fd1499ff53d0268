"""A window of a Trace as a picture: two lanes a CPU, and a row of marks for each kind of event."""

from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 1200, 110, 70
LANE, ROW, GAP = 30, 16, 6
CHARACTER = 6.8  # width of one at 12 pixels, roughly
HOST_COLOUR = "#9a9a9a"
# Okabe and Ito's palette: distinct for colour-blind readers too
COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#0072b2")
ROWS = (("nm", "#NM trap", "#d00000"), ("save", "save", "#444444"), ("load", "load", "#444444"))
SCRUB_ROW = ("scrub", "scrub", "#7a3fb0")
STEPS = [unit * 10**power for power in range(0, 12) for unit in (1, 2, 5)]


class Picture:
    def __init__(self, trace, window):
        self.trace, self.window = trace, window
        self.parts = []
        self.names = {}  # who -> label
        for cpu in trace.cpus:
            for one in cpu.running + cpu.owner:
                self.names.setdefault(one.who, one.who)
        several = {who.rpartition("/")[0] for who in self.names if not who.endswith("/0")}
        for who in self.names:
            vm = who.rpartition("/")[0]
            if vm and vm not in several:
                self.names[who] = vm
        guests = [who for who in self.names if "/" in who]
        order = {name: i for i, name in enumerate(trace.guests)}
        guests.sort(key=lambda who: (order.get(who.rpartition("/")[0], len(order)), who))
        self.colour = {who: COLOURS[i % len(COLOURS)] for i, who in enumerate(guests)}
        self.colour["host"] = HOST_COLOUR
        scrubs = any(mark.event == "scrub" for cpu in trace.cpus for mark in cpu.marks)
        self.rows = ROWS + ((SCRUB_ROW,) if scrubs else ())

    def x(self, time):
        low, high = self.window
        return LEFT + (time - low) * (WIDTH - LEFT - RIGHT) / (high - low)

    def text(self, x, y, words, size=12, anchor="start", colour="#222", weight="normal"):
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'fill="{colour}" font-weight="{weight}">{escape(words)}</text>'
        )

    def rectangle(self, x, y, width, height, colour, title=""):
        inner = f"<title>{escape(title)}</title>" if title else ""
        self.parts.append(
            f'<rect x="{x:.2f}" y="{y:.1f}" width="{max(width, 0.3):.2f}" height="{height}" '
            f'fill="{colour}">{inner}</rect>'
        )

    def line(self, x, y, to_x, to_y, colour, width=1.0):
        self.parts.append(
            f'<line x1="{x:.2f}" y1="{y:.1f}" x2="{to_x:.2f}" y2="{to_y:.1f}" '
            f'stroke="{colour}" stroke-width="{width}"/>'
        )

    def lane(self, y, label, slices):
        low, high = self.window
        self.text(LEFT - 8, y + LANE / 2 + 4, label, anchor="end")
        self.rectangle(LEFT, y, WIDTH - LEFT - RIGHT, LANE, "#f1f1f1")
        for one in slices:
            start, end = max(one.start, low), min(one.end, high)
            if start >= end:
                continue
            name, x = self.names.get(one.who, one.who), self.x(start)
            width = self.x(end) - x
            title = f"{name}: {microseconds(one.start)} to {microseconds(one.end)} µs"
            self.rectangle(x, y, width, LANE, self.colour[one.who], title)
            if width > CHARACTER * len(name) + 2:
                self.text(x + width / 2, y + LANE / 2 + 4, name, anchor="middle", colour="#000")

    def marks(self, y, label, colour, marks):
        low, high = self.window
        inside = [mark for mark in marks if low <= mark.time <= high]
        self.text(LEFT - 8, y + ROW - 4, label, anchor="end", size=11, colour=colour)
        self.line(LEFT, y + ROW - 1, WIDTH - RIGHT, y + ROW - 1, "#dddddd", 0.5)
        for mark in inside:
            x = self.x(mark.time)
            self.line(x, y + 2, x, y + ROW - 1, colour, 1.4)
        self.text(WIDTH - RIGHT + 8, y + ROW - 4, str(len(inside)), size=11, colour=colour)

    def traps_through(self, y, marks):
        for mark in marks:
            if mark.event == "nm" and self.window[0] <= mark.time <= self.window[1]:
                x = self.x(mark.time)
                self.line(x, y, x, y + LANE + GAP + 2, ROWS[0][2])

    def axis(self, top, bottom):
        low, high = self.window
        step = next(s for s in STEPS if s * 12 >= high - low and s >= 100)
        time = -(-low // step) * step
        while time <= high:
            self.line(self.x(time), top, self.x(time), bottom + 4, "#cccccc", 0.5)
            self.text(self.x(time), bottom + 17, microseconds(time), size=11, anchor="middle")
            time += step
        self.text(WIDTH - RIGHT + 42, bottom + 17, "µs", size=11)

    def legend(self, y):
        x = LEFT
        for who, colour in self.colour.items():
            name = self.names.get(who, who)
            name = "the hypervisor's own vector code" if who == "host" else name
            self.rectangle(x, y, 14, 14, colour)
            self.text(x + 20, y + 11.5, name)
            x += 20 + CHARACTER * len(name) + 24
        self.rectangle(x, y, 14, 14, "#f1f1f1")
        self.text(x + 20, y + 11.5, "nobody")

    def draw(self, title, subtitle):
        self.text(LEFT, 28, title, size=18, weight="bold")
        self.text(LEFT, 48, subtitle, size=12, colour="#555")
        self.legend(62)
        top = y = 96
        body, self.parts = self.parts, []
        for cpu in self.trace.cpus:
            if len(self.trace.cpus) > 1:
                self.text(LEFT, y + 10, f"CPU {cpu.number}", weight="bold")
                y += 18
            self.lane(y, "running", minus(cpu.running, cpu.host))
            y += LANE + GAP
            self.lane(y, "FPU owner", cpu.owner)
            self.traps_through(y, cpu.marks)
            y += LANE + GAP
            self.text(WIDTH - RIGHT + 8, y - 4, "in view", size=11, colour="#555")
            for event, label, colour in self.rows:
                marks = [mark for mark in cpu.marks if mark.event == event]
                self.marks(y, label, colour, marks)
                y += ROW
            y += 2 * GAP
        lanes, self.parts = self.parts, body
        self.axis(top - 4, y - GAP)
        self.parts += lanes
        height = y + 24
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" font-family="Helvetica, Arial, sans-serif">'
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
        )
        return "\n".join([head, *self.parts, "</svg>", ""])


def minus(slices, holes):
    """The slices without the time of the holes; both in the order of time."""
    left, rest = [], list(holes)
    for one in slices:
        start = one.start
        while rest and rest[0].end <= start:
            rest.pop(0)
        for hole in rest:
            if hole.start >= one.end:
                break
            if hole.start > start:
                left.append(type(one)(start, hole.start, one.who))
            start = hole.end
        if start < one.end:
            left.append(type(one)(start, one.end, one.who))
    return left


def microseconds(time):
    return f"{time / 1000:,.1f}".removesuffix(".0")


def turns_after_all_started(trace, turns):
    """A window that is easy to read: so many turns, once every guest has had one."""
    started = {}
    for cpu in trace.cpus:
        for one in cpu.running:
            vm = one.who.rpartition("/")[0]
            started[vm] = min(started.get(vm, one.start), one.start)
    low = max(started.values(), default=0)
    ends = []
    for cpu in trace.cpus:
        ends += [one.end for one in cpu.running if one.start >= low][turns - 1 : turns]
    high = min(ends, default=trace.end)
    return (low, high) if high > low else (0, max(trace.end, 1))


def write_svg(path, trace, window, title, subtitle):
    with open(path, "w", encoding="utf-8") as file:
        file.write(Picture(trace, window).draw(title, subtitle))

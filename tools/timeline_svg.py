"""A window of a Trace as a picture: two lanes a CPU, a row of marks for each kind of event, and
arrows from CPU to CPU."""

import io
import xml.etree.ElementTree as ElementTree

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update(
    {"svg.hashsalt": "timeline", "svg.fonttype": "none", "font.size": 9, "text.parse_math": False}
)

from matplotlib import pyplot, ticker  # noqa: E402
from matplotlib.legend_handler import HandlerPatch  # noqa: E402
from matplotlib.patches import FancyArrowPatch, Patch  # noqa: E402
from matplotlib.transforms import Affine2D  # noqa: E402

SVG = "http://www.w3.org/2000/svg"
# All in points, of which matplotlib's SVG has 72 an inch; an axis' own y is in points, too.
WIDTH, LEFT, RIGHT, TOP, BOTTOM = 900, 76, 44, 66, 42
LANE, ROW, GAP = 24, 13, 5
HEADING = 26  # above the lanes of each CPU where there are several
CHARACTER = 6  # width of one, roughly
LEGEND_LINE, LEGEND_PATCH = 14, 36  # how high a line of it is; how wide a patch with its gaps
LEGEND_CHARACTER = 5
INK, MUTED, NOBODY, HOST = "#222222", "#555555", "#f1f1f1", "#9a9a9a"
# Okabe and Ito's palette: distinct for colour-blind readers too
COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#0072b2")
ROWS = (("nm", "#NM trap", "#d00000"), ("save", "save", "#444444"), ("load", "load", "#444444"))
RARE_ROWS = (("scrub", "scrub", "#7a3fb0"), ("flush", "flush", "#8a4b08"))
ARROW = {"arrowstyle": "-|>,head_length=4,head_width=1.6", "shrinkA": 0, "shrinkB": 0}
FEW_ARROWS = 60  # more in view are drawn the thinner and paler


class Picture:
    def __init__(self, trace, window):
        self.trace, self.window = trace, window
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
        self.colour["host"] = HOST
        events = {mark.event for cpu in trace.cpus for mark in cpu.marks}
        self.rows = ROWS + tuple(row for row in RARE_ROWS if row[0] in events)
        self.height = 2 * (LANE + GAP) + ROW * len(self.rows) + 4
        low, high = window
        self.moved = [one for one in trace.migrations if one.left <= high and one.arrived >= low]
        self.titles = {}  # the id of an element -> what it says under the pointer

    def point(self, time):
        """How far from the left end of the lanes."""
        low, high = self.window
        return (time - low) * (WIDTH - LEFT - RIGHT) / (high - low)

    def lane(self, axis, y, slices):
        low, high = self.window
        axis.barh(y, high - low, LANE, left=low, color=NOBODY)
        for one in slices:
            start, end = max(one.start, low), min(one.end, high)
            if start >= end:
                continue
            name = self.names.get(one.who, one.who)
            (bar,) = axis.barh(y, end - start, LANE, left=start, color=self.colour[one.who])
            bar.set_gid(f"slice-{len(self.titles)}")
            times = f"{microseconds(one.start)} to {microseconds(one.end)} µs"
            self.titles[bar.get_gid()] = f"{name}: {times}"
            if self.point(end) - self.point(start) > CHARACTER * len(name) + 2:
                axis.text(
                    (start + end) / 2, y, name, ha="center", va="center_baseline", color="black"
                )

    def marks(self, axis, y, colour, marks):
        low, high = self.window
        times = [mark.time for mark in marks if low <= mark.time <= high]
        axis.axhline(y + ROW / 2, color="#dddddd", linewidth=0.5, zorder=0.6)
        axis.vlines(times, y - ROW / 2 + 2, y + ROW / 2, color=colour, linewidth=1)
        self.beside(axis, y, str(len(times)), colour)
        return times

    def beside(self, axis, y, words, colour):
        """To the right of the lanes."""
        place = axis.get_yaxis_transform()
        axis.text(1.008, y, words, transform=place, va="center_baseline", color=colour, size=8)

    def cpu(self, axis, cpu):
        lanes = [LANE / 2, LANE + GAP + LANE / 2]
        top = 2 * (LANE + GAP)
        rows = [top + ROW * (number + 0.5) for number in range(len(self.rows))]
        self.lane(axis, lanes[0], minus(cpu.running, cpu.host))
        self.lane(axis, lanes[1], cpu.owner)
        self.beside(axis, lanes[1] + LANE / 2 - 2, "in view", MUTED)
        for y, (event, _, colour) in zip(rows, self.rows):
            times = self.marks(axis, y, colour, [m for m in cpu.marks if m.event == event])
            if event == "nm":
                axis.vlines(times, LANE + GAP, top + 2, color=colour, linewidth=0.8)
        axis.set_yticks(
            lanes + rows, ["running", "FPU owner", *(label for _, label, _ in self.rows)]
        )
        for label, (_, _, colour) in zip(axis.get_yticklabels()[2:], self.rows):
            label.set(color=colour, size=8)
        axis.set_ylim(self.height, -4)
        axis.tick_params(axis="y", length=0)
        axis.set_xlim(self.window)
        axis.xaxis.set_major_locator(ticker.MaxNLocator(12, steps=[1, 2, 5, 10], min_n_ticks=2))
        axis.xaxis.set_major_formatter(lambda time, _: microseconds(time))
        axis.grid(axis="x", color="#cccccc", linewidth=0.5)
        axis.set_axisbelow(True)
        for side in axis.spines.values():
            side.set_visible(False)
        if len(self.trace.cpus) > 1:
            words = f"CPU {cpu.number}"
            place = axis.get_yaxis_transform()
            look = {"fontweight": "bold", "va": "baseline", "ha": "right", "color": INK}
            axis.text(-0.0045, -5, words, transform=place, **look)

    def legend(self):
        labels = {who: self.names.get(who, who) for who in self.colour}
        labels["host"] = "the hypervisor's own vector code"
        handles = [Patch(color=self.colour[who], label=label) for who, label in labels.items()]
        handles.append(Patch(color=NOBODY, label="nobody"))
        if self.moved:
            ends = (0, 0), (1, 1)  # legend_arrow() has better ones
            handles.append(FancyArrowPatch(*ends, color=MUTED, label="moves to another CPU"))
        return handles

    def arrow(self, figure, one, lanes):
        """A migration, as much of it as is in the window: from the end of a slice to the beginning
        of the next. `lanes` says how far below the figure's top each CPU's first lane begins."""
        low, high = self.window
        down = lanes[one.source] < lanes[one.target]
        start, end = lanes[one.source] + LANE * down, lanes[one.target] + LANE * (not down)
        slope = (end - start) / max(one.arrived - one.left, 1)
        start += slope * max(low - one.left, 0)
        end -= slope * max(one.arrived - high, 0)
        times = max(one.left, low), min(one.arrived, high)
        weight = min(1, FEW_ARROWS / len(self.moved))
        look = {**ARROW, "mutation_scale": 0.6 + 0.4 * weight, "transform": figure_points(figure)}
        if one.arrived > high:
            look["arrowstyle"] = "-"
        ends = [(LEFT + self.point(time), -y) for time, y in zip(times, (start, end))]
        width = 0.6 + 0.4 * weight
        edge = {"color": INK, "linewidth": width + 0.6 * weight, "alpha": 0.45 * weight}
        line = {"color": self.colour[one.who], "linewidth": width, "alpha": 0.5 + 0.35 * weight}
        figure.add_artist(FancyArrowPatch(*ends, **edge, **look))
        patch = figure.add_artist(FancyArrowPatch(*ends, **line, **look))
        patch.set_gid(f"migration-{len(self.titles)}")
        name = self.names.get(one.who, one.who)
        route = f"CPU {one.source} to CPU {one.target} at {microseconds(one.arrived)} µs"
        self.titles[patch.get_gid()] = f"{name}: {route}"

    def draw(self, title, subtitle):
        """The picture, a matplotlib figure."""
        count = len(self.trace.cpus)
        heading = HEADING if count > 1 else 0
        step = self.height + 4 + heading
        handles = self.legend()
        columns = legend_columns(handles)
        top = TOP + LEGEND_LINE * (ceil_div(len(handles), columns) - 1)
        total = top + count * step + BOTTOM
        figure = pyplot.figure(figsize=(WIDTH / 72, total / 72), facecolor="white")
        for number, cpu in enumerate(self.trace.cpus):
            bottom = total - top - (number + 1) * step
            across, up = (WIDTH - LEFT - RIGHT) / WIDTH, (self.height + 4) / total
            axis = figure.add_axes((LEFT / WIDTH, bottom / total, across, up))
            self.cpu(axis, cpu)
            if number < count - 1:
                axis.tick_params(axis="x", length=0, labelbottom=False)
            else:
                axis.tick_params(axis="x", labelsize=8, color="#cccccc")
                axis.set_xlabel("µs since the first event of the trace", size=8, color=MUTED)
        lanes = {
            cpu.number: top + (number + 1) * step - self.height
            for number, cpu in enumerate(self.trace.cpus)
        }
        for one in self.moved:
            self.arrow(figure, one, lanes)
        at = LEFT / WIDTH
        figure.text(at, 1 - 21 / total, title, size=13, fontweight="bold", color=INK)
        figure.text(at, 1 - 37 / total, subtitle, color=MUTED)
        figure.legend(
            handles=handles,
            handler_map={FancyArrowPatch: HandlerPatch(legend_arrow)},
            loc="upper left",
            bbox_to_anchor=(at, 1 - 43 / total),
            ncol=columns,
            frameon=False,
            borderpad=0,
            borderaxespad=0,
            handlelength=1.2,
            handleheight=1.2,
        )
        return figure


def legend_columns(handles):
    """For as few lines as fit. It goes down the columns, of which the first are longer by one."""
    widths = [LEGEND_PATCH + LEGEND_CHARACTER * len(one.get_label()) for one in handles]
    for lines in range(1, len(handles)):
        columns = ceil_div(len(handles), lines)
        short, longer = divmod(len(handles), columns)
        firsts = [column * short + min(column, longer) for column in range(columns + 1)]
        wide = sum(max(widths[first:last]) for first, last in zip(firsts, firsts[1:]))
        if wide <= WIDTH - LEFT:
            return columns
    return 1


def ceil_div(count, size):
    return -(-count // size)


def legend_arrow(width, height, **_):
    return FancyArrowPatch((0, height), (width, 0), mutation_scale=1, **ARROW)


def figure_points(figure):
    """Coordinates in points, from the upper left corner of the figure."""
    return Affine2D().scale(1 / 72).translate(0, figure.get_figheight()) + figure.dpi_scale_trans


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
    """A window that is easy to read: so many turns of the busiest CPU, once every guest has
    had one and nothing more is lost."""
    started = {}
    for cpu in trace.cpus:
        for one in cpu.running:
            vm = one.who.rpartition("/")[0]
            started[vm] = min(started.get(vm, one.start), one.start)
    low = max([trace.since, *started.values()])
    ends = []
    for cpu in trace.cpus:
        ends += [one.end for one in cpu.running if one.start >= low][turns - 1 : turns]
    high = min(ends, default=trace.end)
    return (low, high) if high > low else (0, max(trace.end, 1))


def write_svg(path, trace, window, title, subtitle):
    """Draws it; matplotlib knows no titles of elements, which a browser shows under the pointer."""
    picture, svg = Picture(trace, window), io.BytesIO()
    figure = picture.draw(title, subtitle)
    figure.savefig(svg, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    svg.seek(0)
    ElementTree.register_namespace("", SVG)
    root = ElementTree.parse(svg)
    for element in root.iter(f"{{{SVG}}}g"):
        if element.get("id") in picture.titles:
            words = ElementTree.Element(f"{{{SVG}}}title")
            words.text = picture.titles[element.get("id")]
            element.insert(0, words)
    root.write(path, encoding="utf-8", xml_declaration=True)

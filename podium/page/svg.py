"""What drawings are made of: a canvas with a title that can be read aloud, axes with sensible ticks, marks."""

import math
import re
from collections.abc import Sequence
from typing import Any

from podium.page.html import Html, tag
from podium.readable import clean

WIDTH = 420.0
"""Units of a drawing's width: on a narrow screen letters stay legible, on a wide one two stand side by side."""
DASHES = ("", "6 3", "2 3", "9 3 2 3", "4 2", "1 4")
SERIES = 6
_WIDE = 0.56
"""Width of a letter in units of its height, about."""


def put(value: float) -> str:
    """A coordinate: two digits are a hundredth of a pixel."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def fit(label: Any, width: float, size: float = 12) -> str:
    """A label that is not wider than ``width``, cut where it is; letters of wide scripts count twice."""
    text, used = clean(label), 0.0
    for place, sign in enumerate(text):
        used += size * (1.0 if ord(sign) > 0x1100 else _WIDE)
        if used > width:
            return f"{text[: max(1, place - 1)]}…"
    return text


def text(x: float, y: float, label: Any, kind: str = "", full: Any = None) -> Html:
    """A label; ``full`` is what the pointer shows."""
    tip = None if full is None or clean(full) == clean(label) else tag("title", full)
    return tag("text", label, tip, x=put(x), y=put(y), class_=kind or None)


def line(x: float, y: float, to_x: float, to_y: float, kind: str, **more: Any) -> Html:
    """A straight line."""
    return tag("line", x1=put(x), y1=put(y), x2=put(to_x), y2=put(to_y), class_=kind, **more)


def rect(x: float, y: float, width: float, height: float, kind: str, tip: Any = None, **more: Any) -> Html:
    """A rectangle."""
    inner = None if tip is None else tag("title", tip)
    sizes = {"width": put(max(0.0, width)), "height": put(max(0.0, height))}
    return tag("rect", inner, x=put(x), y=put(y), **sizes, class_=kind, **more)


def path(points: Sequence[tuple[float, float]], kind: str, tip: Any = None, **more: Any) -> Html:
    """A line through points."""
    steps = " ".join(f"{'L' if k else 'M'}{put(x)} {put(y)}" for k, (x, y) in enumerate(points))
    return tag("path", None if tip is None else tag("title", tip), d=steps, class_=kind, **more)


def mark(shape: str, x: float, y: float, kind: str, tip: Any = None, size: float = 4.5) -> Html:
    """A point: a circle, square, diamond or triangle, so that colour is not the only difference."""
    inner = None if tip is None else tag("title", tip)
    if shape == "circle":
        return tag("circle", inner, cx=put(x), cy=put(y), r=put(size), class_=kind)
    corners = {
        "square": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        "diamond": [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)],
        "triangle": [(0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
        "cross": [
            (-0.35, -1.1),
            (0.35, -1.1),
            (0.35, -0.35),
            (1.1, -0.35),
            (1.1, 0.35),
            (0.35, 0.35),
            (0.35, 1.1),
            (-0.35, 1.1),
            (-0.35, 0.35),
            (-1.1, 0.35),
            (-1.1, -0.35),
            (-0.35, -0.35),
        ],
        "bar": [(-0.3, -1.2), (0.3, -1.2), (0.3, 1.2), (-0.3, 1.2)],
    }[shape]
    places = " ".join(f"{put(x + size * dx)},{put(y + size * dy)}" for dx, dy in corners)
    return tag("polygon", inner, points=places, class_=kind)


MARKS = ("circle", "square", "triangle", "diamond", "cross", "bar")


def canvas(key: str, height: float, title: str, about: str, *inside: Any, width: float = WIDTH) -> Html:
    """A drawing that is one image to who cannot see it; ``key`` is its own among all of the page."""
    return tag(
        "svg",
        tag("title", title, id=f"{key}-title"),
        tag("desc", about, id=f"{key}-about"),
        *inside,
        viewBox=f"0 0 {put(width)} {put(height)}",
        role="img",
        aria_labelledby=f"{key}-title {key}-about",
    )


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """At most ``most`` + 1 round numbers from ``low`` to ``high``, steps of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def tick_text(value: float, step: float) -> str:
    """A tick's number with as many digits as the step needs."""
    if abs(value) < 1e-9 * max(step, 1e-300):
        return "0"
    if abs(value) >= 1e5 or step < 1e-3:
        return re.sub(r"e([+-])0*", r"e\1", f"{value:.3g}").replace("e+", "e")
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 4
    return f"{value:.{digits}f}"


class Scale:
    """From values to places on the canvas; a range without width is given one."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        if not high > low:
            pad = abs(low) * 0.05 or 0.5
            low, high = low - pad, high + pad
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[tuple[float, str]]:
        """Places and texts of the ticks."""
        values = ticks(self.low, self.high, most)
        step = values[1] - values[0] if len(values) > 1 else abs(self.high - self.low)
        return [(self(value), tick_text(value, step)) for value in values]


def padded(values: Sequence[float], part: float = 0.06) -> tuple[float, float]:
    """The range of some values with a little room at both ends."""
    low, high = min(values), max(values)
    room = (high - low) * part or abs(high) * part or 0.5
    return low - room, high + room


def axes(x: Scale, y: Scale, x_label: str, y_label: str, *, most: int = 5) -> list[Html]:
    """Both axes of a plain chart: grid across, labels outside."""
    found: list[Html] = []
    for place, label in y.ticks(most):
        found += [line(x.start, place, x.end, place, "grid"), text(x.start - 6, place + 4, label, "end soft")]
    for place, label in x.ticks(most):
        inside = min(place, WIDTH - len(label) * 3.7)
        found += [
            line(place, y.start, place, y.start + 4, "axis"),
            text(inside, y.start + 17, label, "mid soft"),
        ]
    found.append(line(x.start, y.start, x.end, y.start, "axis"))
    found.append(text((x.start + x.end) / 2, y.start + 34, x_label, "mid soft"))
    found.append(text(x.start - 6 if x.start < 12 else 4, y.end - 10, y_label, "soft"))
    return found


def legend(names: Sequence[str], y: float, *, lines: bool, width: float = WIDTH) -> tuple[list[Html], float]:
    """Names with their marks, in as many rows as they need; and where the next thing may begin."""
    found: list[Html] = []
    x = 6.0
    for k, name in enumerate(names):
        label = fit(name, width * 0.45)
        room = 30 + len(label) * 12 * _WIDE + 14
        if x + room > width and x > 6:
            x, y = 6.0, y + 18
        found.append(_sample(k, x, y, lines))
        found.append(text(x + 28, y, label, "", name))
        x += room
    return found, y + 12


def _sample(k: int, x: float, y: float, lines: bool) -> Html:
    series = f"c{k % SERIES}"
    if not lines:
        return rect(x + 8, y - 10, 14, 11, f"{series} fill", fill_opacity=1 if k % 2 == 0 else 0.55)
    stroke = line(
        x,
        y - 4,
        x + 24,
        y - 4,
        f"{series} stroke",
        stroke_dasharray=DASHES[k % SERIES] or None,
        stroke_width=2,
    )
    return tag("g", stroke, mark(MARKS[k % SERIES], x + 12, y - 4, f"{series} fill", size=3.5))

"""Drawings of the page: intervals, differences, lines, bars, reliability. Each is one SVG with its own colours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podium.page import svg
from podium.page.html import Html, number, signed
from podium.page.svg import DASHES, MARKS, SERIES, WIDTH, Scale

SURE = 2.0
"""Standard errors from which a difference is called one."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A line of a drawing: a value, where it may lie (both ends), how it is marked, and what stands at its right."""

    label: str
    value: float
    low: float
    high: float
    shape: str = "circle"
    series: str = "c0"
    said: str = ""
    strong: bool = False


def intervals(key: str, title: str, about: str, lines: Sequence[Interval], *, zero: bool = False) -> Html:
    """Values with error bars, one below the other, names above their lines; ``zero`` draws where nothing changes."""
    ends = [end for each in lines for end in (each.low, each.high)] + ([0.0] if zero else [])
    x = Scale(*svg.padded(ends), 8, WIDTH - 8)
    step, top = 36, 6
    height = top + step * len(lines) + 24
    parts: list[Any] = []
    for place, label in x.ticks(5):
        parts += [
            svg.line(place, top, place, height - 22, "grid"),
            svg.text(place, height - 6, label, "mid soft tiny"),
        ]
    if zero:
        parts.append(svg.line(x(0), top, x(0), height - 22, "zero"))
    for row, each in enumerate(lines):
        y = top + step * row + 14
        weight = "strong" if each.strong else ""
        tip = f"{each.label}: {each.said or number(each.value)}"
        wide = len(each.said) * 6.8
        room = WIDTH - 16 - wide
        parts += [
            svg.rect(WIDTH - 8 - wide, y - 12, wide, 15, "open"),  # no line runs through the figures
            svg.text(8, y, svg.fit(each.label, room - 8), weight, each.label),
            svg.text(WIDTH - 8, y, each.said, f"end {weight}"),
            svg.line(
                x(each.low),
                y + 11,
                x(each.high),
                y + 11,
                f"{each.series} stroke",
                stroke_width=3,
                stroke_opacity=0.45,
            ),
            svg.mark(each.shape, x(each.value), y + 11, f"{each.series} fill", tip),
        ]
    return svg.canvas(key, height, title, about, *parts)


def difference(label: str, value: float, se: float, greater: bool) -> Interval:
    """A difference as a line: better, worse or neither by two standard errors, told by mark and colour."""
    gain = value if greater else -value
    known = se > 0 and abs(value) >= SURE * se
    series = "plain" if not known else "good" if gain > 0 else "bad"
    shape = "circle" if not known else "triangle" if gain > 0 else "square"
    return Interval(
        label=label,
        value=value,
        low=value - SURE * se,
        high=value + SURE * se,
        shape=shape,
        series=series,
        said=f"{signed(value)} (SE {number(se)})",
    )


Points = Sequence[tuple[float, float]]


def lines(
    key: str,
    title: str,
    about: str,
    series: Mapping[str, Points],
    *,
    x_label: str,
    y_label: str,
    marked: bool,
    upright: Sequence[tuple[float, str]] = (),
    x_names: Sequence[str] | None = None,
    from_zero: bool = False,
) -> Html:
    """Lines with a legend; ``marked`` draws points, ``upright`` are places with a word, ``x_names`` name 0, 1, .."""
    parts, top = svg.legend(list(series), 16, lines=True) if len(series) > 1 else ([], 10.0)
    x_values = [x for points in series.values() for x, _ in points] + [place for place, _ in upright]
    y_values = [y for points in series.values() for _, y in points] + ([0.0] if from_zero else [])
    y = Scale(*svg.padded(y_values), top + 190, top + 18)
    x = (
        Scale(min(x_values), max(x_values), 54, WIDTH - 12)
        if x_names is None
        else Scale(-0.4, len(x_names) - 0.6, 54, WIDTH - 12)
    )
    if x_names is None:
        parts += svg.axes(x, y, x_label, y_label)
    else:
        parts += _named_axis(x, y, x_names, x_label, y_label)
    for place, word in upright:
        parts += [
            svg.line(x(place), y.start, x(place), y.end, "zero", stroke_dasharray="3 3"),
            svg.text(min(x(place) + 4, WIDTH - 90), y.end + 10, word, "tiny"),
        ]
    for k, (name, points) in enumerate(series.items()):
        colour = f"c{k % SERIES}"
        drawn = [(x(a), y(b)) for a, b in points]
        dash = DASHES[k % SERIES] or None
        if len(drawn) > 1:
            parts.append(svg.path(drawn, f"{colour} stroke", name, stroke_width=1.8, stroke_dasharray=dash))
        if marked or len(drawn) == 1:
            for (a, b), (u, v) in zip(points, drawn, strict=True):
                where = x_names[int(a)] if x_names else number(a)
                parts.append(
                    svg.mark(
                        MARKS[k % SERIES], u, v, f"{colour} fill", f"{name}, {where}: {number(b)}", size=3.5
                    )
                )
    return svg.canvas(key, top + 232, title, about, *parts)


def _named_axis(x: Scale, y: Scale, names: Sequence[str], x_label: str, y_label: str) -> list[Html]:
    found: list[Html] = []
    for place, label in y.ticks(5):
        found += [
            svg.line(x.start, place, x.end, place, "grid"),
            svg.text(x.start - 6, place + 4, label, "end soft"),
        ]
    for k, name in enumerate(names):
        found.append(svg.text(x(k), y.start + 17, name, "mid soft tiny"))
    found.append(svg.line(x.start, y.start, x.end, y.start, "axis"))
    return [
        *found,
        svg.text((x.start + x.end) / 2, y.start + 34, x_label, "mid soft"),
        svg.text(4, y.end - 10, y_label, "soft"),
    ]


def steps(
    key: str,
    title: str,
    about: str,
    counts: Mapping[str, Sequence[float]],
    *,
    start: float,
    step: float,
    x_label: str,
    y_label: str,
    upright: Sequence[tuple[float, str]] = (),
) -> Html:
    """Histograms over each other: the first as bars, others as lines of steps."""
    parts, top = svg.legend(list(counts), 16, lines=False) if len(counts) > 1 else ([], 10.0)
    bars = len(next(iter(counts.values())))
    x = Scale(start, start + bars * step, 54, WIDTH - 12)
    y = Scale(0, max(max(values) for values in counts.values()) * 1.06 or 1, top + 190, top + 18)
    parts += svg.axes(x, y, x_label, y_label)
    for k, (name, values) in enumerate(counts.items()):
        if k == 0:
            for place, value in enumerate(values):
                left = start + place * step
                tip = f"{name}, {number(left, 0)} to {number(left + step, 0)}: {number(value, 1)}"
                wide = x(left + step) - x(left)
                parts.append(
                    svg.rect(
                        x(left) + 0.5,
                        y(value),
                        wide - 1,
                        y.start - y(value),
                        "c0 fill",
                        tip,
                        fill_opacity=0.75,
                    )
                )
        else:
            corners = [
                (x(start + (place + side) * step), y(value))
                for place, value in enumerate(values)
                for side in (0, 1)
            ]
            parts.append(svg.path(corners, f"c{k % SERIES} stroke", name, stroke_width=2))
    for nth, (limit, word) in enumerate(upright):
        if limit <= start + bars * step:
            parts += [
                svg.line(x(limit), y.start, x(limit), y.end, "zero", stroke_dasharray="3 3"),
                svg.text(min(x(limit) + 4, WIDTH - 120), y.end + 10 + 12 * (nth % 4), word, "tiny"),
            ]
    return svg.canvas(key, top + 232, title, about, *parts)


def bars(
    key: str,
    title: str,
    about: str,
    rows: Sequence[tuple[str, float, str]],
    *,
    most: float | None = None,
    dots: Mapping[str, Sequence[float | None]] | None = None,
    bar: str = "F1",
) -> Html:
    """Bars below each other: (name, value, what stands at the right); ``dots`` are further values on the same lines."""
    dots = dots or {}
    parts, top = _dot_legend(bar, list(dots)) if dots else ([], 2.0)
    values = [value for _, value, _ in rows]
    x = Scale(0, most or max([*values, 1e-12]), 8, WIDTH - 8)
    step = 34
    for row, (name, value, said) in enumerate(rows):
        y = top + step * row + 13
        room = WIDTH - 24 - len(said) * 6.8
        parts += [
            svg.text(8, y, svg.fit(name, room), "", name),
            svg.text(WIDTH - 8, y, said, "end soft"),
            svg.rect(8, y + 5, x.end - x.start, 11, "plain fill", fill_opacity=0.13),
            svg.rect(8, y + 5, x(value) - 8, 11, "c0 fill", f"{name}: {said}", fill_opacity=0.75),
        ]
        for k, (what, given) in enumerate(dots.items()):
            one = given[row]
            if one is not None:
                tip = f"{name}, {what}: {number(one, 3)}"
                parts.append(svg.mark(MARKS[k + 2], x(one), y + 10.5, f"c{k + 1} fill dot", tip, size=4))
    return svg.canvas(key, top + step * len(rows) + 6, title, about, *parts)


def _dot_legend(bar: str, names: Sequence[str]) -> tuple[list[Any], float]:
    parts: list[Any] = [svg.rect(8, 6, 16, 11, "c0 fill", fill_opacity=0.75), svg.text(30, 16, bar)]
    x = 46.0 + len(bar) * 8
    for k, name in enumerate(names):
        parts += [svg.mark(MARKS[k + 2], x + 6, 11.5, f"c{k + 1} fill", size=4), svg.text(x + 17, 16, name)]
        x += 30 + len(name) * 7
    return parts, 22.0


def reliability(key: str, title: str, about: str, bins: Sequence[Mapping[str, float]]) -> Html:
    """What was said against what was so, with the diagonal; the rows of each bin are the areas of the marks."""
    x, y = Scale(0, 1, 54, WIDTH - 12), Scale(0, 1, 300, 26)
    most = max(each["rows"] for each in bins) or 1
    parts: list[Any] = svg.axes(x, y, "probability that was said", "share that was so")
    parts.append(svg.line(x(0), y(0), x(1), y(1), "axis", stroke_dasharray="5 4"))
    points = []
    for each in bins:
        if each["rows"]:
            place = (x(each["said"]), y(each["was"]))
            points.append(place)
            parts.append(svg.line(place[0], y(each["said"]), *place, "c1 stroke", stroke_width=2))
    parts.append(
        svg.path(points, "c0 stroke", stroke_width=1.5, stroke_opacity=0.6) if len(points) > 1 else None
    )
    for each in bins:
        if each["rows"]:
            tip = f"said {number(each['said'], 3)}, was {number(each['was'], 3)}, {each['rows']} cases"
            size = 3 + 7 * (each["rows"] / most) ** 0.5
            parts.append(svg.mark("circle", x(each["said"]), y(each["was"]), "c0 fill", tip, size=size))
    return svg.canvas(key, 342, title, about, *[part for part in parts if part])

"""HTML from plain values: everything is escaped unless it is markup already."""

from typing import Any

from podium.readable import clean

_SIGNS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_VOID = {"meta", "br", "hr", "col"}


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def escape(value: Any) -> Html:
    """A value as markup: itself where it is some."""
    if isinstance(value, Html):
        return value
    return Html(clean(value).translate(_SIGNS))


def tag(name: str, /, *children: Any, **attributes: Any) -> Html:
    """An element; an attribute's name may end in _ and holds _ for -; those that are None or False are left out."""
    given = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    inner = "".join(escape(child) for child in children if child is not None)
    return Html(f"<{name}{given}>" if name in _VOID else f"<{name}{given}>{inner}</{name}>")


def join(parts: Any) -> Html:
    """Elements one after another, lines apart."""
    return Html("\n".join(escape(part) for part in parts if part))


def said(text: Any, *, kind: str = "said") -> Html:
    """A text of the data: its own direction, words broken anywhere."""
    return tag("bdi", text, class_=kind, dir="auto")


def table(head: list[str], rows: list[list[Any]], *, caption: str, numbers: set[int] | None = None) -> Html:
    """A table in a box that scrolls by itself; ``numbers`` are the columns set right (None: all but the first)."""
    right = set(range(1, len(head))) if numbers is None else numbers

    def cell(name: str, value: Any, place: int) -> Html:
        kind = "number" if place in right else None
        return tag(name, value, class_=kind, scope="col" if name == "th" else None)

    top = tag("thead", tag("tr", *(cell("th", name, place) for place, name in enumerate(head))))
    body = tag(
        "tbody",
        *(tag("tr", *(cell("td", value, place) for place, value in enumerate(row))) for row in rows),
    )
    inner = tag("table", tag("caption", caption), top, body)
    return tag("div", inner, class_="scroll", tabindex="0", role="region", aria_label=caption)


def details(summary: str, *inside: Any) -> Html:
    """What is shown when it is asked for."""
    return tag("details", tag("summary", summary), *inside)


def figure(title: str, about: str, drawing: Html, numbers: Html, *, wide: bool = False) -> Html:
    """A drawing with what it shows above it, and its numbers as a table behind it."""
    caption = tag("figcaption", tag("p", title, class_="title"), tag("p", about))
    return tag(
        "figure",
        caption,
        tag("div", drawing, class_="drawing"),
        details("The numbers", numbers),
        class_="wide" if wide else None,
    )


def number(value: float | None, digits: int = 4) -> str:
    """A figure as people read it; a dash for none."""
    if value is None:
        return "–"
    if value and (abs(value) >= 1000 or abs(value) < 0.5 * 10**-digits):
        return f"{value:.{digits}g}"
    return f"{value:.{digits}f}"


def signed(value: float | None, digits: int = 4) -> str:
    """A difference with its sign; a dash for none."""
    if value is None:
        return "–"
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{number(abs(value), digits)}"


def share(value: float | None) -> str:
    """A share in per cent."""
    if value is None:
        return "–"
    return (
        f"{100 * value:.1f}%"
        if abs(value) < 0.995 or value > 1
        else f"{100 * value:.0f}%"
        if value == 1
        else f"{100 * value:.2f}%"
    )


def count(value: float) -> str:
    """A number of things."""
    return f"{value:,.0f}".replace(",", "\u202f")

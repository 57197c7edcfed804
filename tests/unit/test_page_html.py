"""Nothing of the data becomes markup, and what it says can be read."""

import html
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_samples import HOSTILE, figures

from podium.page import style, times
from podium.page.html import Html, escape, number, tag
from podium.page.matrix import level
from podium.page.svg import fit, ticks
from podium.page.write import write
from podium.readable import clean

KINDS = {"single_label": HOSTILE, "multi_label": HOSTILE, "regression": [HOSTILE[0], HOSTILE[1]], "span": []}
VOID = {"meta"}
ALLOWED = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "a",
        "header",
        "h1",
        "h2",
        "h3",
        "nav",
        "ul",
        "li",
        "main",
    ),
    *(
        "section",
        "p",
        "b",
        "bdi",
        "div",
        "dl",
        "dt",
        "dd",
        "figure",
        "figcaption",
        "details",
        "summary",
        "table",
    ),
    *("caption", "thead", "tbody", "tr", "th", "td", "footer", "span"),
    *("svg", "desc", "text", "line", "rect", "path", "circle", "polygon", "g"),
}


class Outline(HTMLParser):
    """Elements with their attributes, and the text; it fails where tags do not match."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    found.close()
    assert not found.open
    return found


@pytest.fixture(scope="module", params=list(KINDS))
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    facts = figures(folder, request.param, names=KINDS[request.param])
    return write(
        [facts], facts["scores"], competition=HOSTILE[0], submission="s.csv", folds=3, results=folder
    )


@given(st.text(max_size=60))
def test_text_comes_back_as_it_was(text: str) -> None:
    found = outline(tag("p", text, title=text))
    assert "".join(found.texts) == clean(text) == html.unescape(escape(text))
    assert found.elements == [("p", {"title": clean(text)}, ())]
    assert not any(
        ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0 or 0xD800 <= ord(sign) < 0xE000 for sign in clean(text)
    )
    assert not set(clean(text)) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069")
    clean(text).encode("utf-8")


def test_only_markup_is_left_as_it_is() -> None:
    assert tag("p", Html("<b>x</b>"), "<b>") == "<p><b>x</b>&lt;b&gt;</p>"


def test_hostile_texts_bring_no_element_of_their_own(page: str) -> None:
    found = outline(page)
    assert {name for name, _, _ in found.elements} <= ALLOWED
    assert not [key for _, given, _ in found.elements for key in given if key.startswith("on")]
    assert all((given.get("href") or "#").startswith("#") for _, given, _ in found.elements)
    assert "url(" not in page
    assert "@import" not in page
    assert "".join(found.texts).count("document.title='broken'") > 0


def test_drawings_can_be_read_aloud_and_have_their_numbers(page: str) -> None:
    found = outline(page)
    drawings = [given for name, given, _ in found.elements if name == "svg"]
    ids = [given["id"] for _, given, _ in found.elements if "id" in given]
    assert len(drawings) >= 8
    assert len(ids) == len(set(ids))
    for drawing in drawings:
        assert drawing["role"] == "img"
        assert set(str(drawing["aria-labelledby"]).split()) <= set(ids)
    tables = [inside for name, _, inside in found.elements if name == "table"]
    assert sum(inside[-4:-2] == ("figure", "details") or "figure" in inside for inside in tables) >= len(
        drawings
    )
    inner = [given["href"] for name, given, _ in found.elements if name == "a"]
    assert {str(link)[1:] for link in inner} <= set(ids)


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, definition of contrast ratio."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(over: str, under: str, part: float) -> str:
    found = (part * int(over[k : k + 2], 16) + (1 - part) * int(under[k : k + 2], 16) for k in (1, 3, 5))
    return "#" + "".join(f"{round(value):02x}" for value in found)


@pytest.mark.parametrize("colours", [style.LIGHT, style.DARK], ids=["light", "dark"])
def test_contrast_is_that_of_wcag_aa(colours: dict[str, str]) -> None:
    grounds = [colours["paper"], colours["panel"]]
    for name in ("ink", "soft", "good", "bad", *(f"c{k}" for k in range(6))):
        assert min(contrast(colours[name], ground) for ground in grounds) >= 4.5, name
    assert min(contrast(colours["axis"], ground) for ground in grounds) >= 3
    for part in [k / 50 for k in range(51)]:
        full, light = level(part)
        square = mixed(colours["c0"], colours["panel"], full)
        assert contrast(colours["on" if light else "ink"], square) >= 4.5, part


def test_figures_of_time_are_all_that_differs(tmp_path: Path) -> None:
    facts = figures(tmp_path, names=["a", "b"])
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, seconds in ((one, 1), (other, 200)):
        record = folder / "benchmarks/train/t/b-s0/round0/fold0.tsv"
        record.parent.mkdir(parents=True)
        record.write_text(f"s\tmax_rss\tcpu_time\n{seconds}\t10\t{seconds}\n")
        steps = folder / "logs/train/t/b-s0/round0/fold0.steps.csv"
        steps.parent.mkdir(parents=True)
        steps.write_text(f"rows,tokens,seconds\n8,100,{seconds}\n8,100,{seconds}\n")
    pages = [
        write([facts], facts["scores"], competition="c", submission="s.csv", folds=3, results=folder)
        for folder in (one, other)
    ]
    assert pages[0] != pages[1]
    assert times.without(pages[0]) == times.without(pages[1])
    assert "100 tokens a second" in pages[0]
    assert "100 tokens a second" not in times.without(pages[0])


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 8))
def test_ticks_are_few_and_round(low: float, width: float, most: int) -> None:
    found = ticks(low, low + width, most)
    assert len(found) <= most + 1
    assert all(low - width * 1e-6 <= tick <= low + width * (1 + 1e-6) for tick in found)
    if len(found) > 1:
        step = (found[-1] - found[0]) / (len(found) - 1)
        mantissa = float(f"{step:.6e}".split("e")[0])
        assert min(abs(mantissa - good) for good in (1, 2, 5, 10)) < 1e-2


@given(st.text(max_size=80), st.floats(20, 300))
def test_labels_fit_their_room(text: str, width: float) -> None:
    label = fit(text, width)
    assert label == clean(text) or (label.endswith("…") and len(label) <= len(clean(text)) + 1)
    assert len(label) * 12 * 0.56 <= width + 14


def test_numbers_are_read_easily() -> None:
    assert [number(value) for value in (None, 0.97941, 0.0, 1234.5, 0.00001)] == [
        "–",
        "0.9794",
        "0.0000",
        "1234",
        "1e-05",
    ]

"""Apertium for real, where it is installed."""

import inspect
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from podium.augment import Resources, filters
from podium.augment.back_translation import MASK_LOST, run
from podium.config.augment import MeaningFilter
from podium.errors import UserError
from podium.translation import apertium
from podium.translation.apertium import Apertium, ApertiumError
from podium.translation.cache import FILE, open_cache

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "method": "bt",
    "seed": 0,
    "segments": "either",
    "engine": "apertium",
    "language_code": None,
    "model_out": None,
    "model_back": None,
    "beams": 1,
    "sampling": False,
    "temperature": 1.0,
    "top_k": 0,
    "max_length": 256,
    "batch_tokens": 4096,
    "threads": 2,
}
TEXTS = [
    "The team lost the final game because of a stupid mistake.",
    "Although the plot is weak, the acting is excellent.",
    "Prices went up again, and nobody knows why.",
    "There is nothing that we cannot do without a lot of help.",
    "She did not like the book that her brother gave her.",
    "I love the design, however the battery is near useless.",
    "The government announced new rules for small companies on Monday.",
    "He took care of the children and it fit well.",
]
MARKED = [
    "Read https://t.co/aB3xYz and www.Example.org/Path, it is great!",
    "@Some_One said that the movie was boring #NotGood 😀😀",
    "Write to me.now@example.co.uk<br />before the <b>meeting</b> starts 👍🏽",
    "I bought 3 cats for $12.50 at 9:30 & gave them to @al @bo [really] {yes} ^so^ a/b \\ c*",
]


@pytest.fixture(scope="module")
def pairs() -> dict[str, Apertium]:
    try:
        return {
            f"{one}-{two}": Apertium(one, two, threads=2)
            for other in ("spa", "cat")
            for one, two in (("eng", other), (other, "eng"))
        }
    except UserError as error:
        pytest.skip(str(error))


def back_translated(texts: list[str], cache: Path, **changed) -> pd.DataFrame:
    table = pd.DataFrame({"id": [f"{place:03}" for place in range(len(texts))], "text_a": texts}, dtype="str")
    resources = Resources(language="en", wordnet=None, device="cpu", cache=cache)
    settings = SETTINGS | {"copies": 1, "draws": 1, "through": ["spa"]} | changed
    made = run(table, resources=resources, **settings)
    asked = inspect.signature(filters.judge).parameters
    chosen = {key: value for key, value in MeaningFilter().model_dump().items() if key in asked}
    return filters.judge(made, table, language="en", device="cpu", **chosen)


def test_a_round_trip_says_it_in_other_words(pairs, tmp_path: Path) -> None:
    made = back_translated(TEXTS, tmp_path)
    assert len(made) == len(TEXTS)
    assert (made["text_a"] != pd.Series(TEXTS)).mean() > 0.8
    shared = [
        len(set(new.lower().split()) & set(old.lower().split())) / len(set(old.lower().split()))
        for new, old in zip(made["text_a"], TEXTS, strict=True)
    ]
    assert sum(shared) / len(shared) > 0.4
    assert (made["verdict"] == "kept").any()


def test_texts_whose_negations_changed_are_dropped(pairs, tmp_path: Path) -> None:
    made = back_translated(TEXTS, tmp_path, through=["spa", "cat"], copies=2)
    changed = made[made["text_a"].str.contains("anybody knows", case=False)]
    assert set(changed["verdict"]) <= {"negation changed"}
    assert (made["verdict"] == "negation changed").any()
    kept = made[made["verdict"] == "kept"]
    assert not kept["text_a"].str.contains("anybody knows", case=False).any()


def test_marks_come_back_as_they_were(pairs, tmp_path: Path) -> None:
    made = back_translated(MARKED, tmp_path, through=["spa", "cat"], copies=2)
    assert set(made["verdict"]) == {"kept"}
    kept = {
        "000": ["https://t.co/aB3xYz", "www.Example.org/Path"],
        "001": ["@Some_One", "#NotGood", "😀😀"],
        "002": ["me.now@example.co.uk<br />", "<b>", "</b>", "👍🏽"],
        "003": ["@al @bo", "$12.50", "9:30", "[", "]", "{", "}", "^", "\\", "*"],
    }
    for source, text in zip(made["source_id"], made["text_a"], strict=True):
        assert all(one in text for one in kept[source]), text


def test_each_language_gives_a_copy_of_its_own(pairs, tmp_path: Path) -> None:
    made = back_translated(TEXTS, tmp_path, through=["spa", "cat"], copies=3)
    assert made["copy"].value_counts().to_dict() == {1: len(TEXTS), 2: len(TEXTS)}  # a third cannot be had
    assert list(made["id"][:2]) == ["000~bt1", "000~bt2"]
    one = back_translated(TEXTS, tmp_path, through=["cat"])  # from the cache
    assert made.loc[made["copy"] == 2, "text_a"].tolist() == one["text_a"].tolist()
    fresh = back_translated(TEXTS, tmp_path, through=["spa", "cat"], draws=2)
    assert fresh.loc[fresh["draw"] == 1, "text_a"].tolist() == one["text_a"].tolist()


def test_a_translation_does_not_depend_on_its_neighbours(pairs) -> None:
    """The tagger alone remembers words of earlier texts; these have some that change it."""
    texts = [*TEXTS, "superb production values make up for a derivative plot .", "a lot of charm ."] * 2
    sources = texts
    for name, engine in pairs.items():
        sources = texts if name.startswith("eng") else sources  # back again: what the pair before it made
        together = engine.translate(sources, 0)
        assert engine.translate(sources[::-1], 0)[::-1] == together, name
        assert engine.translate(sources[-3:-2], 0) == together[-3:-2], name
        sources = together


def test_it_says_what_apertium_itself_says(pairs) -> None:
    for name, text in (("eng-spa", TEXTS[3]), ("eng-cat", TEXTS[0])):
        command = ["apertium", "-u", name]
        done = subprocess.run(command, input=f"{text}\n", capture_output=True, encoding="utf-8", check=True)
        assert pairs[name].translate([text], 0) == [" ".join(done.stdout.split())]


def test_every_text_comes_back_whatever_is_in_it(pairs) -> None:
    odd = [
        "",
        ".",
        "a\0b",
        "\x1b[0m",
        "[[t:b:1]]x",
        "^a/b$",
        "\\",
        "a\\",
        "<z>",
        "\u2028x\ny",
        "中文 text",
        "é" * 300,
    ]
    engine = pairs["eng-spa"]
    pieces = [engine.pieces(text)[0] for text in odd]
    made = engine.translate([*pieces, TEXTS[0]], 0)
    assert len(made) == len(odd) + 1
    assert made[-1] == engine.translate([TEXTS[0]], 0)[0]
    assert made[pieces.index("中文 text")].startswith("中文 ")


def test_a_text_that_breaks_it_is_found_and_given_up(pairs, monkeypatch) -> None:
    engine = pairs["eng-spa"]
    through = Apertium._through

    def breaking(self, texts):
        if any("poison" in text for text in texts):
            raise ApertiumError("3 texts for 4")
        return through(self, texts)

    monkeypatch.setattr(Apertium, "_through", breaking)
    made = engine.translate([*TEXTS[:3], "poison", *TEXTS[3:]], 0)
    assert [place for place, text in enumerate(made) if not text] == [3]


def test_a_lost_mark_is_the_verdict(pairs, monkeypatch, tmp_path: Path) -> None:
    through = Apertium._through
    monkeypatch.setattr(
        Apertium,
        "_through",
        lambda self, texts: [text.replace("9000001", "9") for text in through(self, texts)],
    )
    made = back_translated([*MARKED[:2], TEXTS[0]], tmp_path)
    assert made["verdict"].tolist() == [MASK_LOST, MASK_LOST, "kept"]
    assert made["text_a"].tolist()[:2] == MARKED[:2]


def test_only_one_text_of_a_pair_changes(pairs, tmp_path: Path) -> None:
    table = pd.DataFrame({"id": ["1"], "text_a": TEXTS[:1], "text_b": TEXTS[1:2]}, dtype="str")
    resources = Resources(language="en", wordnet=None, device="cpu", cache=tmp_path)
    for segments, changed in (("a", (True, False)), ("b", (False, True)), ("both", (True, True))):
        settings = SETTINGS | {"segments": segments, "copies": 1, "draws": 1, "through": ["spa"]}
        made = run(table, resources=resources, **settings)
        assert (made["text_a"][0] != TEXTS[0], made["text_b"][0] != TEXTS[1]) == changed


WORK = """
import sys
from pathlib import Path
import pandas as pd
sys.path[:0] = [{tests!r}]
import test_translation_apertium as me
me.apertium.BATCH = 2
me.back_translated(me.TEXTS * 1 + [f"{{text}} Again." for text in me.TEXTS], Path({cache!r}))
"""


def test_a_killed_job_goes_on_where_it_was(pairs, tmp_path: Path) -> None:
    code = WORK.format(tests=str(Path(__file__).parent), cache=str(tmp_path / "killed"))
    job = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    done = 0
    while done < 4 and job.poll() is None:
        time.sleep(0.05)
        done = kept_in(tmp_path / "killed")
    job.send_signal(signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL
    texts = [*TEXTS, *(f"{text} Again." for text in TEXTS)]
    done = kept_in(tmp_path / "killed")
    assert 4 <= done < 2 * len(texts)
    asked = []
    through = Apertium.translate
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Apertium, "translate", lambda self, pieces, v: asked.extend(pieces) or through(self, pieces, v)
        )
        resumed = back_translated(texts, tmp_path / "killed")
    assert len(asked) == 2 * len(texts) - done  # not one batch more than what was not there
    pd.testing.assert_frame_equal(resumed, back_translated(texts, tmp_path / "whole"))


def kept_in(folder: Path) -> int:
    if not (folder / FILE).is_file():
        return 0
    try:
        with open_cache(folder) as cache:
            return int(cache._connection.execute("SELECT count(*) FROM translations").fetchone()[0])
    except UserError:
        return 0


def test_what_is_not_installed_is_told_before_anything_is_translated(
    pairs, monkeypatch, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"augment\.bt: apertium has no direction 'eng-tat'.*apt-get install"):
        back_translated(TEXTS, tmp_path, through=["spa", "tat"])
    assert not (tmp_path / FILE).exists()
    with pytest.raises(UserError, match=r"did you mean 'eng-spa'"):
        Apertium("eng", "sp", threads=1)


def test_a_machine_without_it_is_told(monkeypatch) -> None:
    monkeypatch.setattr(apertium.shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="apt-get install apertium apertium-eng-spa"):
        Apertium("spa", "eng", threads=1)

"""The member without an encoder: what it finds, its files, random answers, real questions."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_samples import saved_bytes
from span_samples import facts

from podium.config.base import Model as ModelBlock
from podium.config.span import Reader, Retriever
from podium.errors import UserError
from podium.models.retriever import Model, Options
from podium.span import members, metrics, span_features
from podium.span.answers import Answer, decode_all, encode, texts
from podium.span.decode import DecodeOptions, decode
from podium.span.ingest import from_file
from podium.span.predictions import Spans, check, join
from podium.span.sentences import Words
from podium.span.word_features import NAMES, Context, Lexicon, features, rank_of, similarities

DECODING = DecodeOptions(max_characters=200, candidates=20, complete=True)


def options(**changes: Any) -> dict[str, Any]:
    block = Retriever(kind="retriever", **{"trees": 40, "min_data_in_leaf": 5} | changes).model_dump()
    return {key: value for key, value in block.items() if key not in {*ModelBlock.model_fields, "kind"}}


def fitted(rows: pd.DataFrame, targets: list[str], **changes: Any) -> Model:
    model = members.make("retriever", options(**changes), seed=0, device="cpu", threads=1)
    assert isinstance(model, Model)
    model.fit(rows, targets, np.ones(len(rows)))
    return model


def answers_of(spans: Spans, rows: pd.DataFrame) -> list[str]:
    return decode(spans, rows["text_b"].tolist(), options=DECODING).text


def best_sentences(rows: pd.DataFrame, lexicon: Lexicon) -> list[str]:
    found = []
    for question, text in zip(rows["text_a"], rows["text_b"], strict=True):
        context = Context(text, lexicon)
        best = rank_of(similarities(context, Words.of(question), lexicon))[0]
        found.append(text[slice(*context.bounds[best])].strip())
    return found


def test_it_finds_answers_and_survives_its_files(tmp_path: Path) -> None:
    rows, targets = facts(300, silent=0.2)
    rows_test, targets_test = facts(60, seed=1, silent=0.2)
    model = fitted(rows, targets)
    spans = model.predict(rows_test)
    check(spans)
    wanted = [texts(answers) for answers in decode_all(targets_test)]
    silent = np.array([answers == [""] for answers in wanted])
    found = answers_of(spans, rows_test)
    right = metrics.rows("exact", found, wanted)
    assert right[~silent].mean() > 0.9
    assert spans.null[silent].mean() > spans.null[~silent].mean() + 0.2
    for folder, one in (("a", model), ("b", fitted(rows, targets))):
        (tmp_path / folder).mkdir()
        one.save(tmp_path / folder)
    assert saved_bytes(tmp_path / "a") == saved_bytes(tmp_path / "b")
    loaded = members.load("retriever", tmp_path / "a", device="cpu", threads=1)
    again = loaded.predict(rows_test)
    np.testing.assert_array_equal(again.start, spans.start)
    np.testing.assert_array_equal(again.null, spans.null)


def test_rows_without_use_teach_nothing() -> None:
    rows, targets = facts(60)
    more = pd.concat([rows, rows.tail(2).assign(text_b="Other words."), rows.tail(1)], ignore_index=True)
    lost = encode([Answer(-1, -1, "x")])
    model = members.make("retriever", options(), seed=0, device="cpu", threads=1)
    model.fit(more, [*targets, lost, lost, targets[0]], np.r_[np.ones(62), 0.0])
    np.testing.assert_array_equal(model.predict(rows).start, fitted(rows, targets).predict(rows).start)
    with pytest.raises(UserError, match="none of the training questions"):
        fitted(rows.head(1), [lost])


def randomly(rows: pd.DataFrame, random: np.random.Generator) -> np.ndarray:
    """Targets of one to three words anywhere in their contexts."""
    found = []
    for text in rows["text_b"]:
        words = Words.of(text)
        low = int(random.integers(len(words)))
        high = min(len(words) - 1, low + int(random.integers(3)))
        start, end = int(words.start[low]), int(words.end[high])
        found.append(encode([Answer(start, end, text[start:end])]))
    return np.array(found, dtype=object)


def f1(found: list[str], targets: np.ndarray) -> float:
    return metrics.score("squad_f1", found, [texts(answers) for answers in decode_all(targets)]).value


def test_random_answers_are_not_learned() -> None:
    """Folds by context: the out-of-fold score on random answers is that on others that nobody has seen."""
    distances = []
    for seed in range(3):
        rows, _ = facts(120, seed=seed)
        random = np.random.default_rng(seed)
        targets, folds, parts = randomly(rows, random), pd.factorize(rows["group"])[0] % 3, []
        for fold in range(3):
            inside, outside = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
            model = fitted(rows.iloc[outside].reset_index(drop=True), targets[outside].tolist(), trees=20)
            parts.append(model.predict(rows.iloc[inside].reset_index(drop=True)))
        found = answers_of(join(parts).in_order(rows["id"].tolist()), rows)
        chance = np.array([f1(found, randomly(rows, random)) for _ in range(60)])
        distances.append((f1(found, targets) - chance.mean()) / chance.std())
    assert abs(np.sum(distances)) / 3**0.5 < 3.3
    # ... which answers that the model has seen are not
    found = answers_of(fitted(rows, targets.tolist(), min_data_in_leaf=1).predict(rows), rows)
    assert f1(found, targets) > chance.mean() + 6 * chance.std()


@given(st.text(alphabet="aB1 .,中文？(）\n\u00e9", max_size=40), st.text(alphabet="aB1 ?中文谁", max_size=12))
def test_every_context_has_features(text: str, question: str) -> None:
    context = Context(text, Lexicon({}, {}, {}))
    if not len(context.words):
        return
    columns, similar = features(context, question, Lexicon({}, {}, {}))
    assert columns.shape == (len(context.words), len(NAMES))
    assert np.isfinite(columns).all()
    assert len(similar) == len(context.bounds)
    scores = np.random.default_rng(0).normal(size=(2, len(columns)))
    first, last = span_features.candidates(context, columns, scores)
    assert (first <= last).all()
    assert len({*zip(first.tolist(), last.tolist(), strict=True)}) == len(first)
    described = span_features.features(context, columns, scores, first, last)
    assert np.isfinite(described).all()
    whole = (int(context.words.start[first[0]]), int(context.words.end[last[0]]))
    shared = span_features.overlap(context, first, last, [whole])
    assert shared[0] == 1
    assert ((shared >= 0) & (shared <= 1)).all()


def test_the_options_of_both_kinds_are_their_blocks(tmp_path: Path) -> None:
    shared = {*ModelBlock.model_fields, "kind", "revision", "refit"}
    block = Reader(kind="reader", encoder=str(tmp_path)).settled()
    members.make(
        "reader",
        {key: value for key, value in block.items() if key not in shared},
        seed=0,
        device="cpu",
        threads=1,
    )
    assert set(options()) == set(Options.__dataclass_fields__)


@pytest.mark.skipif("PODIUM_DATA" not in os.environ, reason="PODIUM_DATA is not set")
@pytest.mark.parametrize(("name", "held", "gain"), [("squad/dev_part.json", "Normans", 0.1)], ids=["squad"])
def test_real_questions_are_answered_better_than_by_the_best_sentence(
    name: str, held: str, gain: float
) -> None:
    path = Path(os.environ["PODIUM_DATA"]) / name
    settings: dict[str, Any] = {"answered": True, "group": "article", "max_lost": 0.1}
    rows = from_file(path, None, encoding=None, separator=None, **settings).rows
    rows = rows[rows["target"] != "[]"]
    train, test = (rows[rows["group"].eq(held) == side].reset_index(drop=True) for side in (False, True))
    model = fitted(train, train["target"].tolist(), trees=60, min_data_in_leaf=20)
    wanted = [texts(answers) for answers in decode_all(test["target"])]
    ours = metrics.score("squad_f1", answers_of(model.predict(test), test), wanted).value
    assert ours > metrics.score("squad_f1", best_sentences(test, model.lexicon), wanted).value + gain

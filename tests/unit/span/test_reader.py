"""The reader: its forward pass and loss by hand, what it learns, killed runs, every trick."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from model_samples import NEUTRAL, WORDS, saved_bytes
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

from podium.config.base import Model as ModelBlock
from podium.config.span import Reader
from podium.engine import checkpoint as checkpoints
from podium.engine.spans import MASKED, SpanLoss, SpanObjective
from podium.errors import UserError
from podium.models.reader import Model, Options
from podium.span import merge as merging
from podium.span.answers import Answer, encode
from podium.span.decode import DecodeOptions, decode
from podium.span.predictions import Spans, check

DECODING = DecodeOptions(max_characters=20, candidates=10, complete=False)
SMALL: dict[str, Any] = {"max_length": 24, "max_question": 4, "overlap": 4, "batch_size": 8, "epochs": 2}


def options(encoder: Path, **changes: Any) -> Options:
    block = Reader(kind="reader", encoder=str(encoder), **{"precision": "fp32"} | SMALL | changes).settled()
    known = {*ModelBlock.model_fields, "kind", "revision", "refit"}
    return Options(**{key: value for key, value in block.items() if key not in known})


def make(encoder: Path, **changes: Any) -> Model:
    return Model(options(encoder, **changes), seed=0, device="cpu", threads=1)


def questions(
    count: int, *, words: int = 25, silent: float = 0.2, seed: int = 0
) -> tuple[pd.DataFrame, list[str]]:
    """Contexts of neutral words with one of a group somewhere; the question names a group by another of its words."""
    random = np.random.default_rng(seed)
    table, targets = [], []
    for number in range(count):
        group = int(random.integers(3))
        own = WORDS[group]
        context = random.choice(NEUTRAL, words).tolist()
        place = int(random.integers(words))
        missing = random.random() < silent
        if not missing:
            context[place] = str(random.choice(own[1:]))
        other = (place + 1) % words
        context[other] = str(random.choice(WORDS[(group + 1) % 3]))
        start = len(" ".join(context[:place])) + (place > 0)
        answers = [] if missing else [Answer(start, start + len(context[place]), context[place])]
        table.append({"id": f"q{number}", "text_a": own[0], "text_b": " ".join(context)})
        targets.append(encode(answers))
    return pd.DataFrame(table, dtype="str"), targets


ROWS, TARGETS = questions(30)
ONES = np.ones(len(ROWS))


def shown(spans: Spans) -> list[Any]:
    return [spans.ids, spans.offsets, spans.places, spans.start, spans.end, spans.null]


@pytest.fixture(scope="module")
def model(encoder: Path) -> Model:
    found = make(encoder)
    found.fit(ROWS, TARGETS, ONES)
    return found


# ---- the forward pass and the loss


@settings(deadline=None)
@given(st.integers(0, 2**20), st.floats(0, 0.5))
def test_the_loss_is_that_of_torch(seed: int, smoothing: float) -> None:
    torch.manual_seed(seed)
    target, weight = torch.randint(0, 4, (5, 2)), torch.rand(5)
    scores = torch.randn(5, 2, 7, requires_grad=True)
    masked = torch.cat([scores, torch.full((5, 2, 3), MASKED)], dim=-1)
    loss = SpanLoss(smoothing=smoothing)(masked.flatten(1), target, weight)
    parts = [
        torch.nn.functional.cross_entropy(
            scores[:, half], target[:, half], reduction="none", label_smoothing=smoothing
        )
        for half in (0, 1)
    ]
    expected = (weight * (parts[0] + parts[1]) / 2).sum()
    torch.testing.assert_close(loss, expected)
    for one, other in zip(*(torch.autograd.grad(each, [scores]) for each in (loss, expected)), strict=True):
        torch.testing.assert_close(one, other)


def test_r_drop_compares_starts_with_starts(model: Model) -> None:
    torch.manual_seed(0)
    first, second, weight = torch.randn(4, 10), torch.randn(4, 10), torch.rand(4)
    objective = SpanObjective.__new__(SpanObjective)
    objective.loss = SpanLoss(smoothing=0.0)
    expected = torch.zeros(())
    for half in (slice(0, 5), slice(5, 10)):
        p, q = (torch.log_softmax(logits[:, half], dim=-1) for logits in (first, second))
        both = (p.exp() * (p - q)).sum(-1) + (q.exp() * (q - p)).sum(-1)
        expected = expected + (weight * both).sum() / 2 / 2
    torch.testing.assert_close(objective._divergence(first, second, weight), expected)
    samples = objective._divergence(torch.stack([first, second]), torch.stack([second, first]), weight)
    torch.testing.assert_close(samples, expected)


def test_probabilities_are_those_of_a_pass_by_hand(model: Model, tmp_path: Path) -> None:
    """Every window alone, unpadded, through the saved encoder; log-odds against its first token; the best of all."""
    model.save(tmp_path)
    assert model.nulls
    reference = AutoModel.from_pretrained(tmp_path / "encoder").eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "encoder")
    head = load_file(tmp_path / "head.safetensors")
    rows, _ = questions(6, seed=5)
    spans = model.predict(rows)
    for number, row in enumerate(rows.itertuples()):
        question = tokenizer(row.text_a, add_special_tokens=False)["input_ids"][:4]
        room = 24 - 3 - len(question)
        context = tokenizer(row.text_b, add_special_tokens=False, return_offsets_mapping=True)
        ids, offsets = context["input_ids"], context["offset_mapping"]
        starts = [*range(0, max(0, len(ids) - room), room - 4), max(0, len(ids) - room)]
        odds: list[dict[int, float]] = [{}, {}]
        for first in dict.fromkeys(starts):
            part = ids[first : first + room]
            tokens = [2, *question, 3, *part, 3]
            types = [0] * (len(question) + 2) + [1] * (len(part) + 1)
            with torch.no_grad():
                states = reference(
                    input_ids=torch.tensor([tokens]), token_type_ids=torch.tensor([types])
                ).last_hidden_state[0]
            scores = (states @ head["head.output.weight"].T + head["head.output.bias"]).numpy()
            for token in range(len(part)):
                for half in (0, 1):
                    place = offsets[first + token][half] - half
                    value = scores[len(question) + 2 + token, half] - scores[0, half]
                    odds[half][place] = max(odds[half].get(place, -math.inf), float(value))
        own = slice(spans.offsets[number], spans.offsets[number + 1])
        found = (
            dict(zip(spans.places[own], values[own], strict=True)) for values in (spans.start, spans.end)
        )
        null = 1.0
        for half, probabilities in zip(odds, found, strict=True):
            powers = {place: math.exp(value) for place, value in half.items()}
            total = sum(powers.values())
            null *= 1 / (1 + total)
            for place, value in probabilities.items():
                if value > 0:
                    assert value == pytest.approx(powers[place] / total, rel=1e-3, abs=1e-5)
        assert spans.null[number] == pytest.approx(math.sqrt(null), rel=1e-3)


def test_padding_and_neighbours_change_nothing(model: Model) -> None:
    rows, _ = questions(8, seed=3)
    rows.loc[2, "text_b"] = "the iron"
    whole = model.predict(rows)
    check(whole)
    for number in range(len(rows)):
        alone = model.predict(rows.iloc[[number]])
        np.testing.assert_allclose(alone.null, whole.null[[number]], atol=1e-5)
        np.testing.assert_allclose(alone.start, whole.take(np.array([number])).start, atol=1e-4)


# ---- what it learns


def test_it_finds_answers_and_their_lack(encoder: Path) -> None:
    """The fifth of the questions without an answer is told from the others, and windows do not hide answers."""
    rows, targets = questions(500)
    rows_test, targets_test = questions(60, seed=9)
    model = make(encoder, epochs=6, learning_rate=3e-3, head_learning_rate=3e-3, layer_decay=1.0, dropout=0.0)
    model.fit(rows, targets, np.ones(len(rows)))
    spans = model.predict(rows_test)
    found = decode(spans, rows_test["text_b"].tolist(), options=DECODING)
    silent = np.array([target == "[]" for target in targets_test])
    right = np.array(
        [f'"{text}"' in target for text, target in zip(found.text, targets_test, strict=True)], dtype=bool
    )
    assert right[~silent].mean() > 0.9
    assert spans.null[silent].mean() > spans.null[~silent].mean() + 0.5


def test_without_nulls_every_window_competes(encoder: Path) -> None:
    rows, targets = questions(20, silent=0.0)
    model = make(encoder, negatives=0.0)
    model.fit(rows, targets, np.ones(20))
    assert not model.nulls
    spans = model.predict(rows)
    check(spans)
    assert (spans.null == 0).all()
    assert np.bincount(spans.row, spans.start).max() <= 1 + 1e-6


def test_rows_that_teach_nothing_are_left_out(encoder: Path) -> None:
    rows, targets = questions(10, silent=0.0)
    lost = [encode([Answer(-1, -1, "x")]), encode([Answer(0, len(rows.loc[1, "text_b"]), "x")]), *targets[2:]]
    one, other = make(encoder), make(encoder)
    one.fit(rows, lost, np.ones(10))
    assert one.skipped == 2
    other.fit(rows.iloc[2:].reset_index(drop=True), targets[2:], np.ones(8))
    assert len(one.curve) == len(other.curve)
    with pytest.raises(UserError, match="none of the training questions"):
        make(encoder).fit(rows.iloc[:2], lost[:2], np.ones(2))


# ---- runs that are killed, and every trick

RUNS: dict[str, dict[str, Any]] = {
    "plain": {"average": {"method": "ema", "decay": 0.9}, "schedule": "linear"},
    "r_drop": {"r_drop": {"alpha": 1.0}, "accumulate": 2, "dropout_samples": 2, "smoothing": 0.1},
    "pgd": {"adversarial": {"method": "pgd_rows"}, "word_dropout": {"rate": 0.1}, "batch_tokens": 200},
    "stopping": {
        "stopping": {"share": 0.25, "patience": 1},
        "adversarial": {"method": "fgm", "from_epoch": 2},
    },
}


def stop_after(patch: pytest.MonkeyPatch, steps: int) -> None:
    """Save a checkpoint after every step, and end as by Ctrl-C after ``steps`` of them."""
    save, done = checkpoints.Checkpoint.save, []

    def stopping(self: checkpoints.Checkpoint, *given: Any) -> None:
        save(self, *given)
        done.append(1)
        if len(done) == steps:
            raise KeyboardInterrupt

    patch.setattr(checkpoints.Checkpoint, "due", lambda self: self._path is not None)
    patch.setattr(checkpoints.Checkpoint, "save", stopping)


@pytest.mark.parametrize("name", RUNS)
def test_a_killed_run_ends_in_the_same_bytes(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    changes = RUNS[name] | {"epochs": 3}
    undisturbed = make(encoder, **changes)
    undisturbed.fit(ROWS, TARGETS, ONES)
    with monkeypatch.context() as patch:
        stop_after(patch, 5)
        with pytest.raises(KeyboardInterrupt):
            make(encoder, **changes).fit(ROWS, TARGETS, ONES, scratch=tmp_path / "scratch")
    resumed = make(encoder, **changes)
    resumed.fit(ROWS, TARGETS, ONES, scratch=tmp_path / "scratch")
    for found, folder in ((resumed, "a"), (undisturbed, "b")):
        (tmp_path / folder).mkdir()
        found.save(tmp_path / folder)
    assert saved_bytes(tmp_path / "a") == saved_bytes(tmp_path / "b")
    loaded = Model.load(tmp_path / "a", device="cpu", threads=1)
    for one, other in zip(shown(loaded.predict(ROWS)), shown(resumed.predict(ROWS)), strict=True):
        np.testing.assert_array_equal(one, other)
    (tmp_path / "c").mkdir()
    loaded.save(tmp_path / "c")
    again = make(encoder, **changes)
    again.fit(ROWS, TARGETS, ONES, start=tmp_path / "c")
    assert np.isfinite(again.curve["loss"]).all()


def test_adapters_and_frozen_layers(encoder: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    model = make(encoder, lora={"rank": 2}, epochs=1)
    model.fit(ROWS, TARGETS, ONES)
    model.save(tmp_path)
    again = Model.load(tmp_path, device="cpu", threads=1).predict(ROWS)
    np.testing.assert_allclose(again.null, model.predict(ROWS).null, atol=1e-5)
    frozen = make(encoder, freeze_layers=1, epochs=1, reinit_layers=1)
    frozen.fit(ROWS, TARGETS, ONES)
    before = AutoModel.from_pretrained(encoder).encoder.layer[0].state_dict()
    after = frozen.network.encoder.encoder.layer[0].state_dict()  # type: ignore[union-attr,operator]
    assert all(torch.equal(before[name], after[name]) for name in before)


# ---- windows put together, and mistakes


@given(st.integers(0, 2**20), st.booleans())
def test_merging_is_a_softmax_over_the_best_of_each_place(seed: int, nulls: bool) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(1, 40))
    rows, places = random.integers(0, 3, count), random.integers(0, 6, count)
    scores = random.normal(size=(2, count)) * 3
    spans = merging.merge(list("abcd"), (rows, places, scores[0]), (rows, places, scores[1]), nulls=nulls)
    check(spans)
    for row in range(4):
        null = 1.0
        for half, values in enumerate((spans.start, spans.end)):
            best: dict[int, float] = {}
            for place, score in zip(places[rows == row], scores[half][rows == row], strict=True):
                best[int(place)] = max(best.get(int(place), -np.inf), float(score))
            total = sum(math.exp(score) for score in best.values())
            null *= (1 / (1 + total)) if nulls else float(total == 0)
            own = slice(spans.offsets[row], spans.offsets[row + 1])
            for place, value in zip(spans.places[own], values[own], strict=True):
                assert value == pytest.approx(math.exp(best[int(place)]) / total, abs=1e-9)
        assert spans.null[row] == pytest.approx(math.sqrt(null))


def test_a_stride_as_long_as_the_window_is_a_mistake(encoder: Path) -> None:
    wrong = dataclasses.replace(options(encoder), overlap=40)
    with pytest.raises(UserError, match="overlap 40 must be shorter than the window"):
        Model(wrong, seed=0, device="cpu", threads=1).fit(ROWS, TARGETS, ONES)


def test_two_processes_train_what_one_does_in_two_parts(encoder: Path) -> None:
    """With an inner split: the first process scores for both."""
    sure = {"dropout": 0.0, "attention_dropout": 0.0, "stopping": {"share": 0.3, "patience": 1}}
    alone, together = make(encoder, accumulate=2, **sure), make(encoder, devices=2, **sure)
    together.threads = 2
    for trained in (alone, together):
        trained.fit(ROWS, TARGETS, ONES)
    pd.testing.assert_frame_equal(together.curve, alone.curve, rtol=1e-4, atol=1e-6)
    for name, tensor in alone.network.state_dict().items():
        torch.testing.assert_close(together.network.state_dict()[name], tensor, atol=1e-6, rtol=0)

"""``textcnn``: the network by hand, padding, word vectors, the bound on the weights, resumed runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from model_samples import make, rows_of, saved_bytes
from scipy.special import softmax

from podium import models
from podium.engine import checkpoint as checkpoints
from podium.engine import loop
from podium.engine.mixing import Mixup
from podium.errors import UserError
from podium.models.textcnn import Model
from podium.models.textcnn_network import Encoder, Network
from podium.predict import check

TARGET = np.arange(36) % 3
ROWS = rows_of(TARGET)


def fitted(rows: pd.DataFrame = ROWS, target: np.ndarray = TARGET, **changes: Any) -> Model:
    model = make("textcnn", 3, **{"epochs": 2, "learning_rate": 1e-2, **changes})
    assert isinstance(model, Model)
    model.fit(rows, target, np.ones(len(rows)))
    return model


def network_of(model: Model) -> Network:
    assert model.network is not None
    return model.network


def table_of(model: Model, channel: int = 0) -> np.ndarray:
    weight = network_of(model).encoder.embeddings[channel].weight
    assert isinstance(weight, torch.Tensor)
    return weight.detach().numpy()


# ---- the network


def maxima(model: Model, text: str) -> np.ndarray:
    """Features of one text, window by window: no padding but the zeros around it."""
    words = text.split()[: model.options.max_length] or ["?"]
    rows = [model.words.index(word) + 2 if word in model.words else 1 for word in words]
    states = sum(table_of(model, channel) for channel in range(len(network_of(model).encoder.embeddings)))[
        rows
    ]
    found = []
    for width, convolution in zip(model.options.widths, network_of(model).encoder.convolutions, strict=True):
        weights, bias = (parameter.detach().numpy() for parameter in convolution.parameters())
        edge = np.zeros((width - 1, states.shape[1]))
        padded = np.vstack([edge, states, edge])
        windows = [padded[start : start + width] for start in range(len(padded) - width + 1)]
        maps = [
            [np.sum(weights[f, :, 0].T * window) + bias[f] for window in windows] for f in range(len(bias))
        ]
        found += [max(0.0, *values) for values in maps]
    return np.array(found)


@pytest.mark.parametrize("pair", [False, True])
@pytest.mark.parametrize("widths", [[3, 4, 5], [1, 2]])
def test_predictions_are_those_of_a_pass_by_hand(pair: bool, widths: list[int]) -> None:
    """Texts shorter than any filter, the empty text and unknown words among them."""
    model = fitted(rows_of(TARGET, pair=pair), widths=widths)
    texts = ["", "ape", "the unheard", *rows_of(TARGET[:6], seed=3)["text_a"]]
    rows = pd.DataFrame({"text_a": texts, "text_b": texts[::-1]}, dtype="str")
    head = network_of(model).head.output
    expected = []
    for row in rows.itertuples():
        features = maxima(model, row.text_a)
        if pair:
            other = maxima(model, row.text_b)
            features = np.concatenate([features, other, abs(features - other), features * other])
        expected.append(head.weight.detach().numpy() @ features + head.bias.detach().numpy())
    proba = model.predict(rows if pair else rows[["text_a"]])
    np.testing.assert_allclose(proba, softmax(np.array(expected), axis=1), atol=1e-5)


@pytest.mark.parametrize("pair", [False, True])
def test_padding_changes_nothing(pair: bool) -> None:
    model = fitted(rows_of(TARGET, pair=pair))
    rows = rows_of(TARGET, seed=2, pair=pair)
    long = rows.iloc[:1].assign(text_a="the ape " * 30)
    together = model.predict(pd.concat([rows, long], ignore_index=True))
    alone = np.vstack([model.predict(rows.iloc[[row]]) for row in range(len(rows))])
    np.testing.assert_allclose(together[: len(rows)], alone, atol=1e-6)
    order = np.random.default_rng(0).permutation(len(rows))
    np.testing.assert_allclose(model.predict(rows.iloc[order]), alone[order], atol=1e-6)


def test_padding_has_no_gradient() -> None:
    model = fitted(weight_decay=0.1)
    np.testing.assert_array_equal(table_of(model)[0], 0)
    network = network_of(model).train()
    encoded = model._encode(pd.DataFrame({"text_a": ["ape", "the ape the dog of the cat"]}, dtype="str"))
    network.dropout = torch.nn.Identity()
    features = [
        network.encoder(encoded.batch(rows, torch.device("cpu"), multiple=1))[0].sum()
        for rows in (np.array([0]), np.array([0, 1]))
    ]
    gradients = [torch.autograd.grad(value, list(network.encoder.parameters())) for value in features]
    for alone, together in zip(*gradients, strict=True):
        torch.testing.assert_close(alone, together)


def test_only_the_first_words_are_read() -> None:
    model = fitted(max_length=4)
    texts = ["the cat of the " + rest for rest in ("", "dog", "iron jazz " * 9)]
    proba = model.predict(pd.DataFrame({"text_a": texts}, dtype="str"))
    np.testing.assert_allclose(proba[1:], proba[[0, 0]], atol=1e-6)


def test_bf16_is_near_fp32() -> None:
    half = fitted(precision="bf16").predict(ROWS)
    check(half)
    np.testing.assert_allclose(half, fitted().predict(ROWS), atol=0.05)


# ---- the bound on the last layer


def test_weights_beyond_the_bound_are_rescaled_and_others_left() -> None:
    network = network_of(fitted(max_norm=3.0, dropout=0.5))
    weight = network.head.output.weight
    before = torch.stack([torch.full_like(weight[0], size) for size in (0.01, 5.0, -9.0)])
    with torch.no_grad():
        weight.copy_(before)
    network.constrain()
    norms = torch.linalg.vector_norm(weight, dim=1)
    torch.testing.assert_close(norms[1:], torch.tensor([1.5, 1.5]))  # half of 3: see the network
    torch.testing.assert_close(weight[0], before[0])
    torch.testing.assert_close(
        weight / norms[:, None], before / torch.linalg.vector_norm(before, dim=1)[:, None]
    )


def test_the_bound_holds_after_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    norms: list[float] = []
    plain = loop.Finetuning._step

    def step(self: loop.Finetuning, epoch: int, batch: np.ndarray) -> dict[str, Any]:
        done = plain(self, epoch, batch)
        norms.extend(torch.linalg.vector_norm(self.network.head.output.weight.detach(), dim=1).tolist())
        return done

    monkeypatch.setattr(loop.Finetuning, "_step", step)
    fitted(max_norm=0.1, dropout=0.25)
    assert max(norms) == pytest.approx(0.075, rel=1e-5)
    fitted(max_norm=None)
    assert max(norms) > 0.1


# ---- word vectors


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.txt"
    lines = ["ape 3 -3 3 -3", "the 1 1 1 1", "unheard 5 5 5 5", "soul 0 0 0 0.5"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("channels", ["tuned", "static", "both"])
def test_channels(vectors: Path, channels: str, tmp_path: Path) -> None:
    """Static vectors stay, tuned ones begin at the file's; a loaded model needs no file."""
    model = fitted(vectors=str(vectors), channels=channels, min_count=3)
    first = fitted(vectors=str(vectors), channels=channels, min_count=3, learning_rate=1e-30)
    tables = [table_of(model, channel) for channel in range(len(network_of(model).encoder.embeddings))]
    assert len(tables) == (2 if channels == "both" else 1)
    if channels != "tuned":
        np.testing.assert_allclose(tables[-1], table_of(first), atol=1e-20)
    if channels != "static":
        assert np.abs(tables[0] - table_of(first)).max() > 1e-3
    assert "unheard" not in model.words
    start = table_of(first)
    np.testing.assert_allclose(start[model.words.index("ape") + 2], [3, -3, 3, -3], atol=1e-6)
    np.testing.assert_allclose(start[model.words.index("the") + 2], 1, atol=1e-6)
    head = network_of(model).head.output
    scores = head.weight.detach().numpy() @ maxima(model, ROWS["text_a"][0]) + head.bias.detach().numpy()
    np.testing.assert_allclose(model.predict(ROWS[:1])[0], softmax(scores), atol=1e-5)
    models.save(model, tmp_path / "model")
    vectors.unlink()
    loaded = models.load("textcnn", tmp_path / "model", device="cpu", threads=1)
    np.testing.assert_array_equal(loaded.predict(ROWS), model.predict(ROWS))


def test_words_without_a_vector_are_as_spread_as_those_with_one(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(2000)]
    known = np.random.default_rng(0).normal(0, 0.7, (1000, 5))
    lines = [f"{word} {' '.join(map(str, row))}" for word, row in zip(words[:1000], known, strict=True)]
    (tmp_path / "v.txt").write_text("\n".join(lines), encoding="utf-8")
    rows = pd.DataFrame({"text_a": words}, dtype="str")
    model = fitted(
        rows, np.arange(2000) % 3, vectors=str(tmp_path / "v.txt"), learning_rate=1e-30, epochs=0.01
    )
    drawn = table_of(model)[[model.words.index(word) + 2 for word in words[1000:]]]
    assert drawn.std() == pytest.approx(known.std(), rel=0.05)
    assert np.abs(drawn).max() <= known.std() * 3**0.5 * 1.001
    none = fitted(rows, np.arange(2000) % 3, learning_rate=1e-30, epochs=0.01)
    assert np.abs(table_of(none)).max() == pytest.approx(0.25, rel=0.01)


def test_a_rare_word_is_known_if_it_has_a_vector(vectors: Path) -> None:
    rows = ROWS.copy()
    rows.loc[0, "text_a"] = "unheard unseen"
    assert not {"unheard", "unseen"} & set(fitted(rows, min_count=2).words)
    found = set(fitted(rows, min_count=2, vectors=str(vectors)).words)
    assert found & {"unheard", "unseen"} == {"unheard"}


@pytest.mark.parametrize("channels", ["static", "both"])
def test_static_vectors_must_come_from_a_file(channels: str) -> None:
    with pytest.raises(UserError, match=f"models.m.channels: {channels} needs vectors that are there"):
        make("textcnn", 3, channels=channels)


# ---- training


TRICKS = {
    "adversarial": {"method": "fgm"},
    "average": {"method": "ema"},
    "mixup": {"where": "words"},
    "word_dropout": {"rate": 0.2, "from_epoch": 2},
    "r_drop": {"alpha": 1.0},
}


def test_every_trick_of_the_loop_at_once() -> None:
    plain, tricked = fitted(), fitted(**TRICKS)
    check(tricked.predict(ROWS))
    np.testing.assert_array_equal(table_of(tricked)[0], 0)
    assert np.abs(plain.predict(ROWS) - tricked.predict(ROWS)).max() > 1e-3
    assert list(tricked.steps()["step"]) == list(range(10))
    assert (tricked.steps()["tokens_per_second"] > 0).all()


def test_both_channels_are_mixed_and_the_mixed_rows_are_moved(
    vectors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is convolved in the first step: the mixture of the channels' sums, then that and a step of each row."""
    seen: dict[str, list[Any]] = {"batch": [], "mixture": [], "states": [], "tables": []}
    applied, forward, maxima_of = Mixup.applied, Encoder.forward, Encoder._maxima

    def noted(self: Mixup, mixture: Any, mask: torch.Tensor) -> Any:
        seen["mixture"].append((mixture, mask))
        return applied(self, mixture, mask)

    def read(self: Encoder, batch: Any) -> torch.Tensor:
        seen["batch"].append(batch.inputs["input_ids"])
        seen["tables"].append([table.weight.detach().clone() for table in self.embeddings])
        return forward(self, batch)

    def convolved(self: Encoder, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        seen["states"].append(states.detach().transpose(1, 2))
        return maxima_of(self, states, mask)

    monkeypatch.setattr(Mixup, "applied", noted)
    monkeypatch.setattr(Encoder, "forward", read)
    monkeypatch.setattr(Encoder, "_maxima", convolved)
    tricks = {
        "mixup": {"where": "words", "alpha": 1.0},
        "adversarial": {"method": "fgm_rows", "epsilon": 0.5},
    }
    fitted(vectors=str(vectors), channels="both", word_dropout=None, epochs=0.1, **tricks)
    (mixture, mask), ids, tables = seen["mixture"][0], seen["batch"][0], seen["tables"][0]
    own = sum(table[ids] for table in tables) * mask[..., None]
    clean, moved = seen["states"][:2]
    torch.testing.assert_close(clean, mixture.rows(own))
    assert (mixture.partner != torch.arange(len(ids))).any()
    lengths = (moved - clean).flatten(1).norm(dim=1)
    torch.testing.assert_close(lengths, torch.full_like(lengths, 0.5))


@pytest.mark.parametrize("changes", [{}, TRICKS], ids=["plain", "tricks"])
def test_a_stopped_run_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    models.save(fitted(**changes), tmp_path / "undisturbed")
    scratch = tmp_path / "scratch"
    plain = loop.Finetuning._step

    def step(self: loop.Finetuning, epoch: int, batch: np.ndarray) -> dict[str, Any]:
        if len(self.curve) == 7:
            raise KeyboardInterrupt
        return plain(self, epoch, batch)

    resumed = make("textcnn", 3, epochs=2, learning_rate=1e-2, **changes)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.Checkpoint.__init__, "__defaults__", (0.0,))
        patch.setattr(loop.Finetuning, "_step", step)
        with pytest.raises(KeyboardInterrupt):
            resumed.fit(ROWS, TARGET, np.ones(36), scratch=scratch)
    assert [path.name for path in scratch.iterdir()] == [checkpoints.NAME]
    resumed = make("textcnn", 3, epochs=2, learning_rate=1e-2, **changes)
    resumed.fit(ROWS, TARGET, np.ones(36), scratch=scratch)
    assert isinstance(resumed, Model)
    assert resumed.steps()["seconds"].notna().sum() == 3
    models.save(resumed, tmp_path / "resumed")
    assert saved_bytes(tmp_path / "resumed") == saved_bytes(tmp_path / "undisturbed")
    assert scratch.is_dir()  # until the job has written all


def test_labels_of_weight_zero_teach_nothing() -> None:
    weight = np.where(np.arange(36) < 24, 1.0, 0.0)
    turned = np.where(weight > 0, TARGET, (TARGET + 1) % 3)
    proba = []
    for target in (TARGET, turned):
        model = make("textcnn", 3)
        model.fit(ROWS, target, weight)
        proba.append(model.predict(ROWS))
    np.testing.assert_array_equal(*proba)


@pytest.mark.parametrize("type", ["multi_label", "regression"])
def test_other_types_of_task(type: str, tmp_path: Path) -> None:
    """The row's own label and that of the row before, whose text is its second one; or a value of both."""
    rows, target = rows_of(TARGET), np.eye(3, dtype=np.float32)[TARGET]
    rows["text_b"] = np.roll(rows["text_a"].to_numpy(), 1)
    target = np.maximum(target, np.roll(target, 1, axis=0))
    if type == "regression":
        target = target.astype(np.float64) @ np.array([[1000.0, 1], [0, 2], [0, 3]])
    model = make("textcnn", target.shape[1], epochs=40, learning_rate=1e-2, loss={})
    name = {"multi_label": "binary", "regression": "mse"}[type]
    model.options.loss["name"] = name  # type: ignore[attr-defined]
    model.fit(rows, target, np.ones(36))
    models.save(model, tmp_path)
    found = models.load("textcnn", tmp_path, device="cpu", threads=1).predict(rows)
    np.testing.assert_array_equal(found, model.predict(rows))
    if type == "multi_label":
        assert ((found > 0.5) == (target > 0)).mean() > 0.95
    else:
        error = ((found - target) ** 2).mean(axis=0)
        assert (error < 0.1 * target.var(axis=0)).all()


def test_parts_are_where_the_engine_looks_for_them() -> None:
    network = network_of(fitted())
    assert isinstance(network.get_submodule("encoder"), Encoder)
    assert isinstance(network.pooled, torch.nn.Identity)

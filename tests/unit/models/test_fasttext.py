"""``fasttext``: bags by brute force, descent against one step a row with automatic gradients."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from model_samples import make, rows_of
from scipy import sparse
from scipy.special import expit, softmax

from podium import models
from podium.models import fasttext
from podium.models.bags import END, Bags
from podium.models.fasttext import Model, descend

TARGET = np.arange(45) % 3
SETTINGS: dict[str, Any] = {
    "lowercase": True,
    "min_count": 1,
    "max_words": 1000,
    "word_ngrams": 2,
    "char_ngrams": None,
    "buckets": 2**40,  # none is shared
}


# ---- bags


def by_hand(words: list[str], tag: str, longest: int, chars: list[int] | None) -> Counter[Any]:
    """Words, word n-grams, character n-grams of one segment with their counts."""
    words = [*words, END]
    found: Counter[Any] = Counter()
    for length in range(1, longest + 1):
        found.update((tag, *words[i : i + length]) for i in range(len(words) - length + 1))
    if chars:
        for word in (f"<{word}>" for word in words[:-1]):
            for length in range(chars[0], chars[1] + 1):
                found.update((tag, "chars", word[i : i + length]) for i in range(len(word) - length + 1))
    return found


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(["a", "bb", "abc", "x1"]), max_size=6), min_size=2, max_size=6),
    st.integers(1, 3),
    st.sampled_from([None, [1, 2], [2, 4]]),
    st.booleans(),
)
def test_bags_share_what_the_texts_share(
    lists: list[list[str]], longest: int, chars: list[int] | None, pair: bool
) -> None:
    """Which column a feature has is a matter of hashes; how much any two rows share is not."""
    rows = pd.DataFrame({"text_a": [" ".join(words) for words in lists]}, dtype="str")
    bags = [by_hand(words, "a", longest, chars) for words in lists]
    if pair:
        rows["text_b"] = rows["text_a"].to_numpy()[::-1]
        bags = [
            bag + by_hand(words, "b", longest, chars) for bag, words in zip(bags, lists[::-1], strict=True)
        ]
    features = Bags({**SETTINGS, "word_ngrams": longest, "char_ngrams": chars})
    matrix = features.fit(rows)
    assert matrix.dtype == np.float32
    assert matrix.shape == (len(rows), len(set().union(*bags))) == (len(rows), features.size)
    shared = [[sum(one[key] * other[key] for key in one) for other in bags] for one in bags]
    lengths = np.array([bag.total() for bag in bags], dtype=float)
    expected = np.array(shared) / np.outer(lengths, lengths)
    np.testing.assert_allclose((matrix @ matrix.T).toarray(), expected, rtol=1e-5)
    np.testing.assert_array_equal(features.transform(rows).toarray(), matrix.toarray())


def test_unknown_features_are_left_out(tmp_path: Path) -> None:
    features = Bags(SETTINGS)
    features.fit(pd.DataFrame({"text_a": ["a b", "b a"]}))
    assert features.words == {"text_a": [END, "a", "b"]}
    features.save(tmp_path)
    found = Bags.load(tmp_path).transform(pd.DataFrame({"text_a": ["a b z", "z z", ""]})).toarray()
    # a, b, the end and the pair of a and b; the others were never seen
    assert sorted(found[0][found[0] > 0]) == pytest.approx([1 / 4] * 4)
    np.testing.assert_array_equal(found[1], found[2])
    assert found[2][0] == 1


def test_buckets_are_shared_when_there_are_few() -> None:
    features = Bags({**SETTINGS, "buckets": 3, "min_count": 2})
    features.fit(rows_of(TARGET))
    assert len(features.buckets) == 3


# ---- descent


def samples(seed: int, labels: bool) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    bags = sparse.random(70, 30, 0.2, format="csr", dtype=np.float32, random_state=seed)
    bags = sparse.csr_matrix(bags / np.maximum(bags.sum(axis=1).reshape(-1, 1), 1e-9), dtype=np.float32)
    target = rng.integers(0, 2, (70, 4)).astype(np.float32) if labels else rng.integers(0, 4, 70)
    return bags, target, rng.uniform(0.2, 2, 70), rng.normal(size=(30, 5)).astype(np.float32)


@pytest.mark.parametrize(("labels", "soft"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_one_step_a_row_with_gradients_of_torch(labels: bool, soft: bool, smoothing: float) -> None:
    """The blocks change nothing: each row sees what the rows before it learned."""
    bags, target, weight, first = samples(3, labels)
    if soft:
        target = np.random.default_rng(3).dirichlet(np.ones(4), 70).astype(np.float32)
    vectors, output = first.copy(), np.zeros((4, 5), dtype=np.float32)
    curve = descend(
        *(vectors, output, bags, target, weight),
        epochs=3,
        learning_rate=0.7,
        smoothing=smoothing,
        sigmoid=labels,
        rng=np.random.default_rng(5),
    )
    rng = np.random.default_rng(5)
    order = rng.permutation(70)
    blocks = [order[start : start + fasttext.BLOCK] for start in range(0, 70, fasttext.BLOCK)]
    left = torch.tensor(first, dtype=torch.float64, requires_grad=True)
    right = torch.zeros((4, 5), dtype=torch.float64, requires_grad=True)
    losses, step = [], 0
    for _ in range(3):
        total = 0.0
        for row in np.concatenate([blocks[place] for place in rng.permutation(len(blocks))]):
            scores = right @ (torch.tensor(bags[[row]].toarray()[0], dtype=torch.float64) @ left)
            if labels:
                wanted = torch.tensor(target[row], dtype=torch.float64) * (1 - smoothing) + smoothing / 2
                loss = torch.nn.functional.binary_cross_entropy_with_logits(scores, wanted, reduction="sum")
            else:
                loss = torch.nn.functional.cross_entropy(
                    scores, torch.tensor(target[row]), label_smoothing=smoothing
                )
            gradients = torch.autograd.grad(weight[row] * loss, [left, right])
            with torch.no_grad():
                for parameter, gradient in zip([left, right], gradients, strict=True):
                    parameter -= 0.7 * (1 - step / 210) * gradient
            total += weight[row] * loss.item()
            step += 1
        losses.append(total / 70)
    np.testing.assert_allclose(vectors, left.detach().numpy(), atol=2e-5)
    np.testing.assert_allclose(output, right.detach().numpy(), atol=2e-5)
    np.testing.assert_allclose(curve["loss"], losses, rtol=1e-4)


def test_the_size_of_the_blocks_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    bags, target, weight, first = samples(4, labels=False)
    found = {}
    for size in (1, 9, 70):
        monkeypatch.setattr(fasttext, "BLOCK", size)
        vectors, output = first.copy(), np.zeros((4, 5), dtype=np.float32)
        descend(
            *(vectors, output, bags, target, weight),
            epochs=2,
            learning_rate=0.5,
            smoothing=0.0,
            sigmoid=False,
            rng=_Ordered(),
        )
        found[size] = np.vstack([vectors, output])
    np.testing.assert_allclose(found[9], found[1], atol=1e-5)
    np.testing.assert_allclose(found[70], found[1], atol=1e-5)


class _Ordered(np.random.Generator):
    """A generator that leaves every order as it is."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def permutation(self, x: Any, axis: int = 0) -> np.ndarray:
        return np.arange(x)


# ---- model


def fitted(rows: pd.DataFrame, target: np.ndarray, weight: np.ndarray | None = None, **changes: Any) -> Model:
    model = make("fasttext", 3, **changes)
    assert isinstance(model, Model)
    model.fit(rows, target, np.ones(len(rows)) if weight is None else weight)
    return model


def test_predictions_are_those_of_the_formula() -> None:
    model = fitted(rows_of(TARGET), TARGET)
    rows = rows_of(TARGET, seed=3)
    hidden = model.features.transform(rows).toarray() @ model.vectors
    np.testing.assert_allclose(model.predict(rows), softmax(hidden @ model.output.T, axis=1), atol=1e-6)


def test_labels_of_weight_zero_teach_nothing() -> None:
    weight = np.where(np.arange(45) < 30, 1.0, 0.0)
    turned = np.where(weight > 0, TARGET, (TARGET + 1) % 3)
    proba = [fitted(rows_of(TARGET), target, weight).predict(rows_of(TARGET)) for target in (TARGET, turned)]
    np.testing.assert_array_equal(*proba)
    heavy = np.where(weight > 0, (TARGET + 1) % 3, TARGET)
    assert np.abs(fitted(rows_of(TARGET), heavy, weight).predict(rows_of(TARGET)) - proba[0]).max() > 0.1


def test_several_labels_a_row(tmp_path: Path) -> None:
    """Each row has its own label and that of the row before, whose text is its second one."""
    rows, target = rows_of(TARGET), np.eye(3, dtype=np.float32)[TARGET]
    rows["text_b"] = np.roll(rows["text_a"].to_numpy(), 1)
    target = np.maximum(target, np.roll(target, 1, axis=0))
    model = fitted(rows, target, epochs=60)
    models.save(model, tmp_path)
    proba = models.load("fasttext", tmp_path, device="cpu", threads=1).predict(rows)
    hidden = model.features.transform(rows).toarray() @ model.vectors
    np.testing.assert_allclose(proba, expit(hidden @ model.output.T), atol=1e-6)
    assert ((proba > 0.5) == (target > 0)).mean() > 0.95


def test_pretrained_vectors_are_where_words_start(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text("ape 9 8 7\nzebra 1 1 1\nthe -1 -2 -3\n", encoding="utf-8")
    rows = rows_of(TARGET, pair=True)
    still = {"learning_rate": 1e-30, "epochs": 1}
    model = fitted(rows, TARGET, vectors=str(path), **still)
    assert model.vectors.shape == (model.features.size, 3)
    listed = [word for words in model.features.words.values() for word in words]
    np.testing.assert_array_equal(
        model.vectors[[i for i, word in enumerate(listed) if word == "ape"]], [[9, 8, 7]] * 2
    )
    np.testing.assert_array_equal(model.vectors[listed.index("the")], [-1, -2, -3])
    others = [i for i, word in enumerate(listed) if word not in ("ape", "the")]
    assert np.abs(model.vectors[others]).max() <= 1 / 3
    assert np.abs(fitted(rows, TARGET, **still).vectors).max() <= 1 / 10


def test_a_rare_word_is_known_if_it_has_a_vector(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text("unheard 9 8 7\nape 1 1 1\n", encoding="utf-8")
    rows = rows_of(TARGET, pair=True)
    rows.loc[0, "text_b"] = "unheard unseen"
    still = {"learning_rate": 1e-30, "epochs": 1, "min_count": 2}
    rare = {"unheard", "unseen"}
    assert not rare & set(fitted(rows, TARGET, **still).features.words["text_b"])
    model = fitted(rows, TARGET, vectors=str(path), **still)
    listed = [word for words in model.features.words.values() for word in words]
    assert rare & set(listed) == {"unheard"}
    np.testing.assert_array_equal(model.vectors[listed.index("unheard")], [9, 8, 7])


@pytest.mark.skipif("PODIUM_DATA" not in os.environ, reason="needs PODIUM_DATA, a folder with mr/")
def test_movie_reviews() -> None:
    """Published for these rows: 0.7514 (Yao et al. 2019, arXiv 1809.05679, table 2)."""
    parts = [
        pd.read_csv(Path(os.environ["PODIUM_DATA"], "mr", name), dtype="str")
        for name in ("train.csv", "test.csv")
    ]
    (train, truth), (test, wanted) = (
        (rows.rename(columns={"text": "text_a"}), rows["label"].astype(int)) for rows in parts
    )
    model = make("fasttext", 2, buckets=200_000, dimensions=50)
    model.fit(train, truth.to_numpy(), np.ones(len(train)))
    right = (model.predict(test).argmax(axis=1) == wanted).mean()
    assert right > 0.7514 - 2 * np.sqrt(0.7514 * 0.2486 / len(test))

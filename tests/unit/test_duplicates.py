"""Near-duplicate clusters: against all pairs compared by hand, and at the edges of the definition."""

import numpy as np
import pandas as pd
import pytest

from podium import duplicates
from podium.config.text import plain_steps
from podium.duplicates import canonical, clusters, components
from podium.text import normalise


def brute_force(texts: list[str], threshold: float) -> list[int]:
    """Compare every pair of texts of plain words as sets of 3-word tuples."""
    words = [tuple(text.split()) for text in texts]
    sets = [{w[i : i + 3] for i in range(len(w) - 2)} if len(w) >= 3 else {w} for w in words]
    label = list(range(len(texts)))
    for i in range(len(texts)):
        for j in range(i):
            if len(sets[i] & sets[j]) >= threshold * len(sets[i] | sets[j]):
                old, new = label[i], label[j]
                label = [new if one == old else one for one in label]
    return renumbered(label)


def renumbered(labels) -> list[int]:
    first: dict[int, int] = {}
    return [first.setdefault(label, len(first)) for label in list(labels)]


def mutated_copies(rng: np.random.Generator, size: int) -> list[str]:
    """Texts of 1 to 40 words, some repetitive, most of them copies of earlier ones with words replaced."""
    texts: list[list[str]] = []
    for _ in range(size):
        if texts and rng.random() < 0.7:
            words = list(texts[rng.integers(len(texts))])
            for _ in range(rng.integers(0, 4)):
                words[rng.integers(len(words))] = f"new{rng.integers(1000)}"
        else:
            vocabulary = rng.choice([3, 400])
            words = [f"w{rng.integers(vocabulary)}" for _ in range(rng.integers(1, 41))]
        texts.append(words)
    return [" ".join(words) for words in texts]


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.65, 0.8, 0.95, 1.0])
def test_same_partition_as_comparing_all_pairs(threshold):
    for seed in range(3):
        texts = mutated_copies(np.random.default_rng(seed), 300)
        found = clusters(texts, threshold=threshold, seed=seed)
        assert found.tolist() == brute_force(texts, threshold)
        assert 1 < len(set(found.tolist())) < len(texts)


def test_order_of_rows_changes_numbers_only():
    rng = np.random.default_rng(7)
    texts = mutated_copies(rng, 400)
    order = rng.permutation(len(texts))
    shuffled = clusters([texts[i] for i in order], threshold=0.8, seed=0)
    straight = clusters(texts, threshold=0.8, seed=0)
    assert renumbered(straight[order]) == shuffled.tolist()


def test_equal_up_to_case_and_space_is_always_one_cluster():
    texts = ["", "Good  film", "!!!", " good\tFILM\n", "  ", "!!!", "?!", "Straße", "STRASSE", "\0"]
    assert clusters(texts, threshold=1.0, seed=0).tolist() == [0, 1, 2, 1, 0, 2, 3, 4, 4, 5]


def test_short_texts_join_only_on_the_same_words():
    texts = ["good film", "good film!", "good", "film good", "a good film", "Good... film"]
    assert clusters(texts, threshold=0.3, seed=0).tolist() == [0, 0, 1, 2, 3, 0]


def test_scripts_without_spaces_are_compared_by_characters():
    sentence = (
        "我们昨天在新开的餐厅吃了一顿非常好吃的晚饭服务员的态度也特别热情下次还会再来这里聚餐和庆祝生日"
    )
    texts = [
        sentence,
        sentence[:-1] + "天",
        "，".join([sentence[:20], sentence[20:]]) + "！",
        sentence[:25],
        "好吃",
    ]
    assert clusters(texts, threshold=0.8, seed=0).tolist() == [0, 0, 0, 1, 2]


def test_a_crowded_bucket_is_one_cluster():
    copies = [f"the very same words{'!' * i}" for i in range(3000)]
    near = [" ".join(["shared"] + [f"s{k}" for k in range(40)] + [f"own{i}"]) for i in range(500)]
    found = clusters(copies + near, threshold=0.8, seed=0)
    assert found.tolist() == [0] * 3000 + [1] * 500


def test_no_text_and_no_words():
    assert clusters([], threshold=0.8, seed=0).tolist() == []
    assert clusters(["?", "!"], threshold=0.8, seed=0).tolist() == [0, 1]


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.1])
def test_threshold_out_of_range(threshold):
    with pytest.raises(ValueError, match="threshold"):
        clusters(["a"], threshold=threshold, seed=0)


def test_components_join_what_any_labelling_joins():
    one = np.array([0, 0, 1, 2, 3, 4])
    other = np.array([9, -1, 9, -1, 5, 5])
    assert components(one, other).tolist() == [0, 0, 0, 1, 2, 2]
    assert components(one).tolist() == [0, 0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "steps", [["urls", "mentions", "lowercase", "whitespace"], ["nfkc"], ["hashtags", "lowercase"]]
)
def test_texts_that_a_view_makes_equal_have_one_canonical_form(steps):
    texts = [
        "Fire at #Oslo http://t.co/abc @bob",
        "fire at Oslo  https://t.co/xyz @Amy",
        "ＦＩＲＥ at Oslo www.x.org",
    ]
    frame = pd.DataFrame({"id": ["1", "2", "3"], "text_a": texts})
    seen = normalise(frame, plain_steps(steps), language="en", wordnet=None)["text_a"].tolist()
    assert len({canonical(text) for text in texts}) == 1
    kept = pd.Series(seen).map(canonical).str.replace(" url", "").str.replace(" user", "")
    assert set(kept) == {"fire at oslo"}
    assert canonical("fire at oslo") != canonical("fire in oslo")


@pytest.mark.parametrize("at_once", [1, 7, 100])
def test_how_many_texts_are_hashed_at_once_changes_nothing(at_once, monkeypatch):
    texts = [*mutated_copies(np.random.default_rng(11), 100), "", "!", "我们在这里吃饭了吗今天天气", "短"]
    whole = duplicates._shingles(texts)
    monkeypatch.setattr(duplicates, "_TEXTS_AT_ONCE", at_once)
    parts = duplicates._shingles(texts)
    assert parts.shape == whole.shape
    for name in ("indptr", "indices", "data"):
        assert np.array_equal(getattr(parts, name), getattr(whole, name))

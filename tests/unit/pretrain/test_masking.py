"""What is masked: rates, what stands in its place, words as wholes, runs of words; checked on many draws."""

import numpy as np
import pytest

from podium.pretrain.blocks import Padded
from podium.pretrain.masking import MaskOptions, choose, draw

MASK, ORDINARY = 4, np.arange(5, 1005)
WEIGHTS = (0.4, 0.3, 0.2, 0.1)


def options(unit: str, rate: float = 0.15) -> MaskOptions:
    return MaskOptions(unit=unit, rate=rate, ngrams=WEIGHTS)


def batch(rows: int = 400, width: int = 62, seed: int = 0) -> Padded:
    """Sequences of 3 to ``width`` tokens with special ones at both ends and inside; words of 1 to 4 tokens."""
    random = np.random.default_rng(seed)
    lengths = random.integers(3, width + 1, rows)
    real = np.arange(width) < lengths[:, None]
    special = (np.arange(width) == 0) | (np.arange(width) == lengths[:, None] - 1)
    special |= (random.random((rows, width)) < 0.05) & real
    words = np.cumsum(random.random((rows, width)) < 0.5).reshape(rows, width)
    ids = np.where(special, 2, random.choice(ORDINARY, (rows, width)))
    return Padded(np.where(real, ids, 0), np.where(real & ~special, words, -1), None, real)


def words_of(given: Padded) -> np.ndarray:
    """The number of the unit of each token, by brute force: equal neighbours, nothing special between them."""
    found = np.full(given.words.shape, -1)
    number = -1
    for row, words in enumerate(given.words):
        last = -1
        for place, word in enumerate(words):
            if word >= 0:
                number += word != last
                found[row, place] = number
            last = word
    return found


@pytest.mark.parametrize("unit", ["token", "whole_word", "ngram"])
@pytest.mark.parametrize("rate", [0.15, 0.4])
def test_the_expected_share_is_the_rate_for_short_sequences_and_long_ones(unit: str, rate: float) -> None:
    given = batch()
    hidden = np.array([choose(given.words, options(unit, rate), np.random.default_rng(s)) for s in range(60)])
    assert not (hidden & (given.words < 0)).any()  # special tokens and padding: never
    able = (given.words >= 0).sum(axis=1)
    per_row = hidden.sum(axis=2)
    for low, high in ((1, 8), (8, 30), (30, 63)):
        chosen = (able >= low) & (able < high)
        found = per_row[:, chosen].sum() / (60 * able[chosen].sum())
        error = np.std(per_row[:, chosen].sum(axis=1) / able[chosen].sum()) / 60**0.5
        assert abs(found - rate) < 5 * error + 1e-3, (low, high, found)
    # exact but for one unit a row, so far less spread than with tokens drawn each for itself
    if unit == "token":
        assert (np.abs(per_row - rate * able) < 1).all()


def test_eighty_ten_ten() -> None:
    given = batch(rows=2000)
    masked = draw(given, options("token"), np.random.default_rng(1), mask=MASK, ordinary=ORDINARY)
    seen, before = masked.ids.ravel()[masked.places], given.ids.ravel()[masked.places]
    assert (masked.labels == before).all()
    untouched = np.ones(given.ids.size, dtype=bool)
    untouched[masked.places] = False
    assert (masked.ids.ravel()[untouched] == given.ids.ravel()[untouched]).all()
    count = len(seen)
    shares = [(seen == MASK).mean(), ((seen != MASK) & (seen != before)).mean(), (seen == before).mean()]
    for found, wanted in zip(shares, (0.8, 0.1, 0.1), strict=True):
        assert abs(found - wanted) < 5 * (wanted * (1 - wanted) / count) ** 0.5 + 2e-4
    random = seen[(seen != MASK) & (seen != before)]
    assert np.isin(random, ORDINARY).all()
    assert len(np.unique(random)) > 300  # all over the vocabulary
    whole = draw(given, options("token"), np.random.default_rng(1), mask=MASK, ordinary=ORDINARY, keep=False)
    assert (whole.ids.ravel()[whole.places] == MASK).all()


@pytest.mark.parametrize("unit", ["whole_word", "ngram"])
def test_words_are_masked_as_wholes(unit: str) -> None:
    given = batch()
    unit_of = words_of(given)
    for seed in range(10):
        hidden = choose(given.words, options(unit), np.random.default_rng(seed))
        share = np.bincount(unit_of[unit_of >= 0], hidden[unit_of >= 0]) / np.bincount(unit_of[unit_of >= 0])
        assert set(np.unique(share)) == {0.0, 1.0}
    tokens = choose(given.words, options("token"), np.random.default_rng(0))
    share = np.bincount(unit_of[unit_of >= 0], tokens[unit_of >= 0]) / np.bincount(unit_of[unit_of >= 0])
    assert len(np.unique(share)) > 2


def test_lengths_of_runs_have_their_weights() -> None:
    """One word a token and few masks, so that runs seldom touch; lengths against the weights by chi-square."""
    words = np.arange(200 * 500).reshape(200, 500)
    counts = np.zeros(len(WEIGHTS) + 1)
    for seed in range(20):
        hidden = choose(words, options("ngram", 0.02), np.random.default_rng(seed))
        edges = np.diff(np.pad(hidden, ((0, 0), (1, 1))).astype(int), axis=1)
        lengths = np.argwhere(edges == -1)[:, 1] - np.argwhere(edges == 1)[:, 1]
        counts += np.bincount(np.minimum(lengths, 5), minlength=6)[1:6]
    shares = counts / counts.sum()
    assert np.abs(shares[:4] - WEIGHTS).max() < 0.025, shares
    assert shares[4] < 0.03  # two runs side by side


def test_runs_end_where_a_text_does() -> None:
    words = np.array([[-1, 0, 1, -1, 2, 3, -1]])
    seen = set()
    for seed in range(300):
        always = MaskOptions(unit="ngram", rate=0.25, ngrams=(0.0, 1.0))  # runs of two words
        seen.add(tuple(np.flatnonzero(choose(words, always, np.random.default_rng(seed))[0])))
    assert seen == {(), (1, 2), (4, 5)}


def test_masks_are_drawn_anew_and_by_the_seed_alone() -> None:
    given = batch(rows=5)
    first, again, other = (
        draw(given, options("whole_word"), np.random.default_rng(seed), mask=MASK, ordinary=ORDINARY)
        for seed in ([3, 0], [3, 0], [3, 1])
    )
    assert (first.ids == again.ids).all()
    assert first.places.tolist() != other.places.tolist()
    nothing = Padded(given.ids, np.full(given.words.shape, -1), None, given.real)
    empty = draw(nothing, options("token"), np.random.default_rng(0), mask=MASK, ordinary=ORDINARY)
    assert len(empty.places) == 0
    assert (empty.ids == given.ids).all()


def test_a_word_that_goes_on_in_the_next_sequence_is_another_one_there() -> None:
    words = np.array([[-1, 5, 5, -1], [-1, 5, 7, -1]])
    seen = set()
    for seed in range(200):
        hidden = choose(words, options("whole_word", 0.5), np.random.default_rng(seed))
        assert hidden[0, 1] == hidden[0, 2]
        seen.add((hidden[0, 1], hidden[1, 1]))
    assert len(seen) == 4

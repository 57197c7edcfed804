"""TF-IDF: one vocabulary for each segment and sort of n-gram, the same after saving."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from model_samples import rows_of
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from podium.models.tfidf import Tfidf

SETTINGS: dict[str, Any] = {"word_ngrams": [1, 2], "char_ngrams": [2, 3], "min_df": 2, "max_features": 60}
TARGET = np.arange(30) % 3


@pytest.mark.parametrize("pair", [False, True])
@pytest.mark.parametrize("off", [None, "word_ngrams", "char_ngrams"])
def test_features_are_scikit_learns_side_by_side(pair: bool, off: str | None, tmp_path: Path) -> None:
    rows, settings = rows_of(TARGET, pair=pair), {**SETTINGS, **({off: None} if off else {})}
    expected = []
    for segment in ["text_a", "text_b"] if pair else ["text_a"]:
        for analyzer, ngrams in (("word", settings["word_ngrams"]), ("char_wb", settings["char_ngrams"])):
            if ngrams:
                vectorizer = TfidfVectorizer(
                    analyzer=analyzer,
                    ngram_range=tuple(ngrams),
                    token_pattern=r"\b\w+\b" if analyzer == "word" else None,
                    min_df=2,
                    max_features=60,
                    sublinear_tf=True,
                )
                expected.append(vectorizer.fit_transform(rows[segment]))
    features = Tfidf(settings)
    matrix = features.fit(rows)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix.toarray(), sparse.hstack(expected).toarray(), atol=1e-6)
    features.save(tmp_path)
    loaded = Tfidf.load(tmp_path).transform(rows)
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded.toarray(), matrix.toarray())
    np.testing.assert_array_equal(features.transform(rows).toarray(), matrix.toarray())


def test_segments_are_told_apart() -> None:
    """The same words in the other segment are other features."""
    rows = rows_of(TARGET, pair=True)
    features = Tfidf(SETTINGS)
    width = features.fit(rows).shape[1] // 2
    swapped = rows.rename(columns={"text_a": "text_b", "text_b": "text_a"})
    assert (features.transform(swapped) != features.transform(rows)).nnz > 0
    only_first = features.transform(rows.assign(text_b=""))
    assert only_first.indices.max() <= width
    assert only_first.nnz > 0


def test_nothing_is_learned_from_rows_that_are_only_transformed() -> None:
    rows = rows_of(TARGET)
    features = Tfidf(SETTINGS)
    before = features.fit(rows).toarray()
    unseen = pd.DataFrame({"text_a": ["zzz qqq zzz", ""]}, dtype="str")
    assert features.transform(unseen).nnz == 0
    np.testing.assert_array_equal(features.transform(rows).toarray(), before)


def test_fewer_rows_than_min_df_and_empty_texts(tmp_path: Path) -> None:
    rows = pd.DataFrame({"text_a": ["a cat", "a dog"], "text_b": ["", ""]}, dtype="str")
    features = Tfidf({**SETTINGS, "min_df": 5, "char_ngrams": None})
    matrix = features.fit(rows)  # min_df is then the number of rows: only "a" is in both
    assert matrix.shape == (2, 1)
    features.save(tmp_path)
    np.testing.assert_array_equal(Tfidf.load(tmp_path).transform(rows).toarray(), matrix.toarray())
    empty = Tfidf(SETTINGS)
    assert empty.fit(rows.assign(text_a="")).nnz == 0
    assert empty.transform(rows).shape == (2, 1)


def test_letters_of_scripts_without_spaces_are_tokens() -> None:
    """A Chinese sentence is no single word: its letters are, and pairs of them."""
    rows = pd.DataFrame({"text_a": ["今天天气好 ok", "天气不好"]})
    features = Tfidf({"word_ngrams": [1, 2], "char_ngrams": None, "min_df": 2, "max_features": 100})
    features.fit(rows)
    assert set(features.parts[0][2].get_feature_names_out()) == {"天", "气", "好", "天 气"}

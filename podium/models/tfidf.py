"""TF-IDF features of one or two text segments, saved as JSON and safetensors."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from podium.files import read_json, write_json
from podium.unspaced import LETTERS

# A word; in scripts without spaces each letter, so that word n-grams are runs of letters there
TOKEN = rf"[{LETTERS}]|[^\W{LETTERS}]+"


class Tfidf:
    """Word and character n-grams, one vocabulary for each segment and sort, fitted on the rows given.

    ``settings``: word_ngrams and char_ngrams ([shortest, longest] or None), min_df, max_features.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.parts: list[tuple[str, str, TfidfVectorizer]] = []

    def fit(self, rows: pd.DataFrame) -> sparse.csr_matrix:
        """Learn vocabularies and idf from ``rows`` (N) and return their features (N, F), float32."""
        blocks = []
        for segment in [column for column in ("text_a", "text_b") if column in rows.columns]:
            for analyzer, key in (("word", "word_ngrams"), ("char_wb", "char_ngrams")):
                if self.settings[key] is None:
                    continue
                vectorizer = self._vectorizer(analyzer, tuple(self.settings[key]), len(rows))
                try:
                    blocks.append(vectorizer.fit_transform(rows[segment]))
                except ValueError:  # nothing left: all texts empty, or no n-gram in min_df rows
                    continue
                self.parts.append((segment, analyzer, vectorizer))
        return self._join(blocks, len(rows))

    def transform(self, rows: pd.DataFrame) -> sparse.csr_matrix:
        """Return the features (N, F) of ``rows``."""
        return self._join(
            [vectorizer.transform(rows[segment]) for segment, _, vectorizer in self.parts], len(rows)
        )

    def _join(self, blocks: list[sparse.csr_matrix], rows: int) -> sparse.csr_matrix:
        if not blocks:
            return sparse.csr_matrix((rows, 1), dtype=np.float32)
        return sparse.hstack(blocks, format="csr")

    def _vectorizer(self, analyzer: str, ngrams: tuple[int, int], rows: int) -> TfidfVectorizer:
        return TfidfVectorizer(
            analyzer=analyzer,
            ngram_range=ngrams,
            token_pattern=TOKEN if analyzer == "word" else None,
            min_df=min(self.settings["min_df"], rows),
            max_features=self.settings["max_features"],
            sublinear_tf=True,
            dtype=np.float32,
        )

    def save(self, folder: Path) -> None:
        """Write ``tfidf.json`` (settings, terms in column order) and ``tfidf.safetensors`` (idf)."""
        parts, weights = [], {}
        for number, (segment, analyzer, vectorizer) in enumerate(self.parts):
            terms = [str(term) for term in vectorizer.get_feature_names_out()]
            parts.append({"segment": segment, "analyzer": analyzer, "terms": terms})
            weights[str(number)] = np.asarray(vectorizer.idf_, dtype=np.float32)
        write_json({"settings": self.settings, "parts": parts}, folder / "tfidf.json")
        save_file(weights, folder / "tfidf.safetensors")

    @classmethod
    def load(cls, folder: Path) -> "Tfidf":
        """Read what ``save`` wrote."""
        saved, weights = read_json(folder / "tfidf.json"), load_file(folder / "tfidf.safetensors")
        features = cls(saved["settings"])
        for number, part in enumerate(saved["parts"]):
            key = "word_ngrams" if part["analyzer"] == "word" else "char_ngrams"
            vectorizer = features._vectorizer(part["analyzer"], tuple(saved["settings"][key]), 1)
            vectorizer.set_params(vocabulary={term: column for column, term in enumerate(part["terms"])})
            vectorizer.idf_ = weights[str(number)]
            features.parts.append((part["segment"], part["analyzer"], vectorizer))
        return features

"""Stage noise: rows whose given label is doubtful, found by cross-validation and confident learning.

``crossfit`` makes probabilities, ``averages`` reads them, ``issues`` has cleanlab's verdicts, ``limits`` says how many
are acted on, ``judge`` puts these together; ``overrides`` is a person's word, ``review`` what a person reads.
"""

from typing import Any

BUILT_IN = "built-in"
"""Name of the model that judges where the config names none; a hyphen is in no configured model's name."""

LINEAR: dict[str, Any] = {
    "tfidf": {"word_ngrams": [1, 2], "char_ngrams": None, "min_df": 2, "max_features": 100_000},
    "c": 10.0,
    "class_weight": None,
    "max_iter": 100,
}
"""Options of the built-in model, a fast and well-calibrated ``linear``."""

"""A text view of a table in memory."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from podium.text.same import digests, first_rows
from podium.text.steps import SAME_AS, TEXTS, Step, apply, drops_duplicates, pipeline


def normalise(
    table: pd.DataFrame, steps: Sequence[Step], *, language: str, wordnet: Path | None
) -> pd.DataFrame:
    """Apply ``steps``, in their order, to the text columns of ``table``; no step at all is the raw view.

    Parameters
    ----------
    table
        ``id``, ``text_a`` and perhaps ``text_b``; a missing text counts as empty.
    steps
        Dicts ``{"step": name, **options}``.
    language
        ISO 639 code of the texts, such as ``en`` or ``zh`` (for ``emoji``, ``emoticons`` and ``lemmas``).
    wordnet
        The folder that holds ``corpora/wordnet``, or None (for ``lemmas`` in English).

    Returns
    -------
    The table with the same columns, rows and order, and no missing text; with ``drop_duplicates`` also ``same_as``, the
    id of the first row with the same text or texts.

    Raises
    ------
    UserError
        See ``podium.text.steps.pipeline``.
    """
    functions = pipeline(steps, language=language, wordnet=wordnet)
    columns = [column for column in TEXTS if column in table.columns]
    done = {column: apply(functions, table[column].fillna("").astype("str").tolist()) for column in columns}
    made = table.assign(
        **{name: pd.Series(texts, index=table.index, dtype="str") for name, texts in done.items()}
    )
    if drops_duplicates(steps):
        first = first_rows(digests(list(done.values())))
        made[SAME_AS] = pd.Series(table["id"].to_numpy()[first], index=table.index, dtype="str")
    return made

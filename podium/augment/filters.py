"""Filters for made rows: each dropped row stays in the table, with the reason as its verdict."""

import importlib
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from podium.augment import KEPT, negation
from podium.augment.frame import columns_of
from podium.augment.words import size
from podium.lemmas import UNSPACED
from podium.unspaced import MARKS

_WORD = re.compile(rf"[\w{MARKS}]+")


def judge(
    made: pd.DataFrame,
    table: pd.DataFrame,
    *,
    language: str,
    device: str,
    negation: bool,
    length_ratio: list[float] | None,
    similarity: float | None,
    encoder: Path | None,
    max_length: int,
) -> pd.DataFrame:
    """Add the column ``verdict`` to made rows: "kept", or the first reason that holds to drop the row.

    Reasons, in this order: "empty" (a text that was not); "equal to its source" and "equal to another copy" of the
    same draw (case, punctuation and spaces apart); "negation changed"; "too short", "too long"; "too far". Each text of
    a pair is judged by itself against that of the source, and one that did not change is right. Negations count in
    English and Chinese alone.

    Parameters
    ----------
    made, table
        Made rows (``podium.augment.frame.assemble``) and the rows that they were made of.
    negation
        Whether the number of negations must stay.
    length_ratio
        Least and largest length as a share of the source's; None for any.
    similarity
        Least cosine between the mean states of ``encoder`` (a folder), which reads ``max_length`` tokens; None for any.

    Raises
    ------
    UserError
        The folder holds no such encoder.
    """
    sources = table.set_index("id")
    # A kind may have given rows up by itself
    verdict = made["verdict"].copy() if "verdict" in made else pd.Series(KEPT, index=made.index, dtype="str")
    columns = columns_of(made)
    pairs = {column: (made[column], made["source_id"].map(sources[column].fillna(""))) for column in columns}

    def drop(reason: str, rows: pd.Series) -> None:
        verdict[rows & (verdict == KEPT)] = reason

    def drop_where(reason: str, wrong: Callable[[str, str], bool]) -> None:
        """Judge every changed text that is still kept."""
        for new, old in pairs.values():
            asked = (verdict == KEPT) & (new != old)
            found = [bool(flag and wrong(one, two)) for flag, one, two in zip(asked, new, old, strict=True)]
            drop(reason, pd.Series(found, index=made.index, dtype=bool))

    drop_where("empty", lambda new, old: not new.strip() and bool(old.strip()))
    keys = pd.DataFrame({column: [_key(text) for text in new] for column, (new, _) in pairs.items()})
    olds = pd.DataFrame({column: [_key(text) for text in old] for column, (_, old) in pairs.items()})
    drop("equal to its source", pd.Series((keys == olds).all(axis=1).to_numpy(dtype=bool), index=made.index))
    keys = keys.set_axis(made.index).assign(source=made["source_id"], draw=made["draw"])
    drop("equal to another copy", keys[verdict == KEPT].duplicated().reindex(made.index, fill_value=False))
    if negation:
        drop_where(
            "negation changed", lambda new, old: _negations(new, language) != _negations(old, language)
        )
    if length_ratio is not None:
        low, high = length_ratio
        unspaced = language in UNSPACED
        drop_where("too short", lambda new, old: _ratio(new, old, unspaced) < low)
        drop_where("too long", lambda new, old: _ratio(new, old, unspaced) > high)
    if similarity is not None:
        if encoder is None:
            raise ValueError("a bar of similarity needs an encoder")
        # Not imported above: its digest would tie every made row to the code of the training engine
        cosines = importlib.import_module("podium.augment.similarity").cosines
        for new, old in pairs.values():
            asked = (verdict == KEPT) & (new != old)
            far = np.zeros(len(new), dtype=bool)
            found = cosines(new[asked], old[asked], encoder=encoder, max_length=max_length, device=device)
            far[asked] = found < similarity
            drop("too far", pd.Series(far, index=new.index))
    return made.assign(verdict=verdict)


def _key(text: str) -> str:
    """What makes two texts the same: their words in one case; all signs where there is no word."""
    return " ".join(_WORD.findall(text.casefold())) or "".join(text.split())


def _negations(text: str, language: str) -> int:
    return negation.count(text, language)


def _ratio(new: str, old: str, unspaced: bool) -> float:
    before = size(old, unspaced=unspaced)
    return size(new, unspaced=unspaced) / before if before else 1.0

"""New training rows made from old ones, each with the id of its source."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from podium.eda import Alphas, Synonyms, copies_of
from podium.errors import UserError, hint
from podium.wordnet import load_wordnet

_log = logging.getLogger(__name__)


def augment_eda(
    table: pd.DataFrame,
    *,
    copies: int,
    alpha_sr: float,
    alpha_ri: float,
    alpha_rs: float,
    alpha_rd: float,
    seed: int,
    method: str,
    wordnet: Path,
) -> pd.DataFrame:
    """Make up to ``copies`` new rows of each row by easy data augmentation (``podium.eda``).

    Parameters
    ----------
    table
        ``id``, ``text_a`` and perhaps ``text_b``, English; of a pair each copy changes one segment.
    copies
        New rows wanted for each row, at least 1. Short texts may give fewer: a copy is never equal to its
        source or to another copy of it, spaces apart.
    alpha_sr, alpha_ri, alpha_rs, alpha_rd
        Share of words to replace, insert, swap, delete, in [0, 1]; 0 leaves the operation out.
    seed
        With a row's texts and the copy's number it determines the copy; the order of rows has no part in it.
    method
        The augmentation's name in the config.
    wordnet
        The folder that holds ``corpora/wordnet``.

    Returns
    -------
    ``id`` (``<source_id>~<method><n>``, n from 1, a number left out where no copy could be made),
    ``source_id``, ``made_by``, ``text_a`` and ``text_b`` where given, in the order of the rows.

    Raises
    ------
    UserError
        When every alpha is 0, or when no text at all could be changed.
    """
    alphas = Alphas(sr=alpha_sr, ri=alpha_ri, rs=alpha_rs, rd=alpha_rd)
    if copies < 1 or not all(0 <= alpha <= 1 for alpha in vars(alphas).values()):
        raise ValueError(f"copies must be at least 1 and the alphas in [0, 1], not {copies} and {alphas}")
    if not any(vars(alphas).values()):
        raise UserError(f"augment.{method}: all four alphas are 0, so nothing can be made; set one above 0")
    columns = [column for column in ("text_a", "text_b") if column in table.columns]
    synonyms = Synonyms(load_wordnet(wordnet))
    rows = zip(table["id"], *(table[column].fillna("") for column in columns), strict=True)
    made = [
        (f"{source}~{method}{copy}", source, method, *changed)
        for source, *texts in rows
        for copy, changed in copies_of(
            tuple(texts), copies=copies, alphas=alphas, seed=seed, synonyms=synonyms
        )
    ]
    if len(table) and not made:
        raise UserError(
            f"augment.{method}: none of {len(table)} texts could be changed; "
            "EDA needs English words with spaces between them, take the augmentation out"
        )
    _log.info("%s: %d rows made of %d, %d wanted", method, len(made), len(table), copies * len(table))
    return pd.DataFrame(made, columns=["id", "source_id", "made_by", *columns], dtype="str")


#: The kinds of augmentation by the names that the config knows them by.
KINDS: dict[str, Callable[..., pd.DataFrame]] = {"eda": augment_eda}


def run(
    kind: str, table: pd.DataFrame, *, method: str, seed: int, wordnet: Path, **settings: Any
) -> pd.DataFrame:
    """Make new rows of ``table`` by the augmentation ``kind``, with that kind's ``settings``.

    Raises ``UserError`` for an unknown kind; otherwise as the kind's own function does.
    """
    if kind not in KINDS:
        raise UserError(f"augment.{method}.kind: there is no '{kind}' ({hint(kind, KINDS)})")
    return KINDS[kind](table, method=method, seed=seed, wordnet=wordnet, **settings)

"""Make and judge the rows of one augmentation, by several processes where the rows are many."""

import functools
import importlib
import logging
from typing import Any

import pandas as pd

from podium.augment import KINDS, Resources, filters
from podium.errors import UserError
from podium.side_by_side import MANY_ROWS, side_by_side

log = logging.getLogger(__name__)

PART_ROWS = 20_000


def make_rows(
    table: pd.DataFrame,
    *,
    kind: str,
    resources: Resources,
    filter: dict[str, Any],
    processes: int,
    **how: Any,
) -> pd.DataFrame:
    """Return the rows that a kind makes of ``table``, with the filters' verdicts (``podium.augment.filters.judge``).

    What is made of a row depends on no other row, so the number of processes changes nothing in it.

    Parameters
    ----------
    table
        ``id``, ``text_a`` and perhaps ``text_b``.
    filter
        The settings of the filters.
    processes
        How many work side by side where the rows are many, the kind can, and no filter needs an encoder.
    how
        What the kind takes (``podium.augment``).

    Raises
    ------
    UserError
        The kind's or the filters', or no text of any row could be changed.
    """
    apart = KINDS[kind].apart and filter["similarity"] is None and len(table) >= MANY_ROWS
    parts = parts_of(len(table)) if apart else [slice(None)]
    make = functools.partial(_made, kind=kind, how=how, resources=resources, filter=filter)
    each = side_by_side((table.iloc[part] for part in parts), make, processes if apart else 1)
    judged = pd.concat([made for _, made in each], ignore_index=True)
    if len(table) and not len(judged) and KINDS[kind].needs:
        raise UserError(
            f"augment.{how['method']}: none of {len(table)} texts could be changed; "
            f"{KINDS[kind].needs.format(language=resources.language)}, take the augmentation out"
        )
    counts = ", ".join(f"{verdict}: {rows}" for verdict, rows in judged["verdict"].value_counts().items())
    log.info("%s: %d rows made of %d (%s)", how["method"], len(judged), len(table), counts or "none")
    return judged


def parts_of(rows: int) -> list[slice]:
    """Cut a number of rows into even parts."""
    count = -(-rows // PART_ROWS)
    return [slice(rows * k // count, rows * (k + 1) // count) for k in range(count)]


def _made(
    table: pd.DataFrame, *, kind: str, how: dict[str, Any], resources: Resources, filter: dict[str, Any]
) -> pd.DataFrame:
    made = importlib.import_module(KINDS[kind].module).run(table, resources=resources, **how)
    try:
        return filters.judge(made, table, language=resources.language, device=resources.device, **filter)
    except UserError as error:
        raise UserError(f"augment.{how['method']}.{error}") from error

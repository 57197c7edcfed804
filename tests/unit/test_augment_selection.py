"""Which made rows a fold trains on, against a plain loop; and that held-out labels have no say in it."""

from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.augment.selection import rarest_labels, select
from podium.seeds import derive
from podium.targets import JOINT


@st.composite
def cases(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.Series]:
    """Random targets, some rows without copies, some copies missing."""
    target = draw(st.lists(st.sampled_from("aaaabbc"), min_size=1, max_size=25))
    ids = [f"{k}" for k in range(len(target))]
    draws, supply = draw(st.integers(1, 2)), draw(st.integers(1, 4))
    wanted = [(source, d, c) for source in ids for d in range(draws) for c in range(1, supply + 1)]
    there = draw(st.lists(st.booleans() | st.just(True), min_size=len(wanted), max_size=len(wanted)))
    rows = [
        (f"{s}~m{d * supply + c}", s, c, d) for (s, d, c), kept in zip(wanted, there, strict=True) if kept
    ]
    made = pd.DataFrame(rows, columns=["id", "source_id", "copy", "draw"])
    made = made.astype({"id": "str", "source_id": "str", "copy": "int32", "draw": "int32"})
    return made.sample(frac=1, random_state=draw(st.integers(0, 9))), pd.Series(
        target, index=ids, dtype="str"
    )


def plainly(
    made: pd.DataFrame, class_of: dict[str, str], copies: int, balance: bool, share: float | None
) -> set[str]:
    """The definition, row by row."""
    sizes = Counter(class_of.values())
    goal = max(sizes.values()) * (1 + copies)
    taken: set[str] = set()
    for _, part in made[made["source_id"].isin(class_of)].groupby("draw"):
        ranks: dict[str, int] = defaultdict(int)
        queue = defaultdict(list)
        for row in part.sort_values("copy").itertuples():
            queue[class_of[row.source_id]].append((ranks[row.source_id], derive(5, "select", row.id), row.id))
            ranks[row.source_id] += 1
        chosen = []
        for name, waiting in queue.items():
            if balance:
                chosen += sorted(waiting)[: goal - sizes[name]]
            else:
                chosen += [entry for entry in waiting if entry[0] < copies]
        if share is not None:
            chosen = sorted(chosen, key=lambda entry: entry[1])[: int(share * len(class_of))]
        taken |= {entry[2] for entry in chosen}
    return taken


SHARES = st.none() | st.floats(0.1, 3)


@given(cases(), st.integers(0, 3), st.booleans(), SHARES)
def test_as_the_definition_says(case: Any, copies: int, balance: bool, share: float | None) -> None:
    made, target = case
    held = target.index[::3]
    mine = target.drop(held) if len(target) > len(held) else target
    found = select(made, mine, copies=copies, balance=balance, max_share=share, type="single_label", seed=5)
    expected = plainly(made, dict(mine), copies, balance, share)
    assert set(found["id"]) == expected
    assert found["id"].is_unique
    pd.testing.assert_frame_equal(found, made[made["id"].isin(expected)])  # in its order


@given(cases(), st.integers(0, 2), st.booleans(), SHARES, st.randoms())
def test_held_out_labels_have_no_say(
    case: Any, copies: int, balance: bool, share: float | None, random: Any
) -> None:
    """With the labels of one fold permuted, what its models train on is the same; so are the copies to choose from."""
    made, target = case
    held = target.index[::3]
    if len(held) == len(target):
        return
    settings: Any = {
        "copies": copies,
        "balance": balance,
        "max_share": share,
        "type": "single_label",
        "seed": 5,
    }
    shuffled = target.copy()
    shuffled[held] = random.sample(target[held].tolist(), len(held))
    pd.testing.assert_frame_equal(
        select(made, target.drop(held), **settings), select(made, shuffled.drop(held), **settings)
    )


def supplied(target: pd.Series, supply: int) -> pd.DataFrame:
    rows = [(f"{s}~m{c}", s, c, 0) for s in target.index for c in range(1, supply + 1)]
    return pd.DataFrame(rows, columns=["id", "source_id", "copy", "draw"])


def test_balance_fills_every_class_to_the_largest() -> None:
    target = pd.Series(["a"] * 50 + ["b"] * 20 + ["c"] * 3, index=[f"{k}" for k in range(73)], dtype="str")
    made = supplied(target, 4)
    for copies, expected in ((0, {"a": 50, "b": 50, "c": 15}), (1, {"a": 100, "b": 100, "c": 15})):
        found = select(made, target, copies=copies, balance=True, max_share=None, type="single_label", seed=0)
        total = Counter(target) + Counter(target[found["source_id"]])
        assert total == expected
    counts = found["source_id"].map(target).eq("b")
    per_row = found[counts].groupby("source_id").size()
    assert set(per_row) == {4}
    found = select(made, target, copies=0, balance=True, max_share=None, type="single_label", seed=0)
    per_row = found[found["source_id"].map(target) == "b"].groupby("source_id").size()
    assert (len(per_row), set(per_row)) == (20, {1, 2})  # as even as can be


def test_the_cap_is_an_even_draw_and_every_draw_has_its_own() -> None:
    target = pd.Series(["a", "b"] * 500, index=[f"{k}" for k in range(1000)], dtype="str")
    made = pd.concat(
        [supplied(target, 2).assign(draw=d, id=lambda t, d=d: t["id"] + f"_{d}") for d in (0, 1)]
    )
    made = made.reset_index(drop=True)
    settings: Any = {"copies": 2, "balance": False, "type": "single_label", "seed": 0}
    found = select(made, target, max_share=0.3, **settings)
    assert found.groupby("draw").size().tolist() == [300, 300]
    share = (found["source_id"].map(target) == "a").mean()
    assert abs(share - 0.5) < 4 * (0.25 / 600) ** 0.5
    more = select(made, target, max_share=0.6, **settings)
    assert set(found["id"]) <= set(more["id"])


def test_multi_label_rows_count_by_their_rarest_label() -> None:
    texts = ["a", f"a{JOINT}b", "a", "", f"a{JOINT}c", f"a{JOINT}b{JOINT}c", "a"]
    target = pd.Series(texts, index=list("tuvwxyz"), dtype="str")
    assert rarest_labels(target).tolist() == ["a", "b", "a", "", "c", "b", "a"]
    made = supplied(target, 3)
    found = select(made, target, copies=0, balance=True, max_share=None, type="multi_label", seed=0)
    per_class = Counter(rarest_labels(target)[found["source_id"]])
    assert per_class == {"b": 1, "c": 2, "": 2}


def test_what_cannot_be() -> None:
    target = pd.Series(["1.5"], index=["x"], dtype="str")
    settings: Any = {"copies": 1, "max_share": None, "type": "regression", "seed": 0}
    assert len(select(supplied(target, 1), target, balance=False, **settings)) == 1
    with pytest.raises(ValueError, match="no classes"):
        select(supplied(target, 1), target, balance=True, **settings)
    with pytest.raises(ValueError, match="once"):
        select(supplied(target, 1), pd.concat([target, target]), balance=False, **settings)
    empty = select(supplied(target, 1).head(0), target.head(0), balance=False, **settings)
    assert len(empty) == 0
    assert np.array_equal(empty.columns, ["id", "source_id", "copy", "draw"])

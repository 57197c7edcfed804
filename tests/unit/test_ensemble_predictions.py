"""Members' predictions in memory and in a file: the same numbers, read piece by piece."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from podium.ensemble import cross_fit
from podium.ensembles import predictions
from podium.ensembles.loading import load
from podium.ensembles.predictions import Changed, Known, Memory, Predictions, Store
from podium.errors import UserError
from podium.files import write_table
from podium.predict import to_table
from tests.unit.ensemble_samples import (
    METRICS,
    PROBLEMS,
    methods,
    one_thread,  # noqa: F401 - for every test here
)

NAMES = ["a", "b", "c"]


def stored(folder: Path, stacked: np.ndarray, dtype: type = np.float32) -> Store:
    store = Store(folder, stacked.shape, np.dtype(dtype))
    for member, table in reversed(list(enumerate(stacked))):
        store.write(member, table)
    return store


@pytest.mark.parametrize("block", [1, 40, 10_000])
@pytest.mark.parametrize("kept", ["all", "some", "none of the first"])
def test_blocks_members_and_arrays_are_parts_of_the_whole(
    tmp_path, monkeypatch, block: int, kept: str
) -> None:
    monkeypatch.setattr(predictions, "BLOCK", block)
    stacked = np.random.default_rng(0).random((3, 50, 4)).astype(np.float32)
    profile = np.arange(100.0).reshape(50, 2)
    masks = {
        "all": np.ones(50, bool),
        "some": np.arange(50) % 3 == 1,
        "none of the first": np.arange(50) > 30,
    }
    mask = masks[kept]
    for source in (
        Memory(stacked),
        stored(tmp_path, stacked),
        Changed(stored(tmp_path, stacked), lambda x: x),
    ):
        whole = Predictions(source, "multi_label", None, profile)
        for given in [whole.take(mask), *([whole] if kept == "all" else [])]:
            found = np.empty(given.shape)
            for where, piece in given.blocks():
                assert piece.dtype == np.float64
                found[:, where] = piece
            assert (found == stacked[:, mask]).all()
            assert (given.array() == stacked[:, mask]).all()
            assert (given.member(1) == stacked[1, mask]).all()
            assert (given.figures == profile[mask]).all()
            half = np.arange(mask.sum()) % 2 == 0
            assert (given.take(half).array() == stacked[:, mask][:, half]).all()
            doubled = given.changed(lambda piece: 2 * piece)
            assert (doubled.array() == 2 * stacked[:, mask]).all()
            assert (doubled.member(2) == 2 * stacked[2, mask]).all()
            assert (doubled.figures == profile[mask]).all()


def test_rows_of_rows_know_where_they_were_taken_from(tmp_path) -> None:
    stacked = np.random.default_rng(0).random((2, 40, 3))
    for whole in (
        Known.of(Predictions(Memory(stacked), "regression"), np.zeros((40, 3)), np.arange(40)),
        Known.of(
            Predictions(Memory(stacked), "regression").take(np.arange(40) > 9),
            np.zeros((30, 3)),
            np.arange(10, 40),
        ),
    ):
        inner = whole.take(whole.folds % 2 == 0).take(np.arange(len(whole.folds) // 2) > 3)
        assert (whole.folds[inner.rows] == inner.folds).all()
        assert inner.whole is whole


EVERY = [(type, name) for type in PROBLEMS for name in methods(type, METRICS[type])]


@pytest.mark.parametrize(("type", "name"), EVERY)
def test_every_method_gives_the_same_from_a_file_in_small_blocks(
    tmp_path, monkeypatch, type, name: str
) -> None:
    oof, truth = PROBLEMS[type](3, 3, 120)
    dtype = np.float64 if type == "regression" else np.float32
    oof = oof.astype(dtype).astype(np.float64)
    folds, method = np.arange(120) % 4, methods(type, METRICS[type])[name]
    plain = cross_fit(name, method, Known.of(Predictions(Memory(oof), type), truth, folds))
    monkeypatch.setattr(predictions, "BLOCK", 100)
    source = stored(tmp_path, oof, dtype)
    filed = cross_fit(name, method, Known.of(Predictions(source, type), truth, folds))
    assert filed.oof.dtype == dtype
    np.testing.assert_allclose(filed.oof, plain.oof, rtol=2e-4, atol=2e-5)


# ---- tables


def tables(folder: Path, type: str, count: int = 3) -> tuple[list[Path], np.ndarray, pd.Series]:
    stacked, _ = PROBLEMS[type](0, count, 60)
    ids = pd.Series([f"r{i}" for i in range(60)], dtype="str")
    paths, rng = [], np.random.default_rng(0)
    for member, table in enumerate(stacked):
        paths.append(folder / f"{member}.parquet")
        frame = to_table(ids, table, NAMES[: stacked.shape[2]], type)  # type: ignore[arg-type]
        write_table(frame.iloc[rng.permutation(60)], paths[-1])
    return paths, stacked, ids


@pytest.mark.parametrize("type", PROBLEMS)
@pytest.mark.parametrize("held", [0, 10_000])
def test_tables_are_aligned_by_id_in_memory_and_in_a_file(tmp_path, type, held: int) -> None:
    paths, stacked, ids = tables(tmp_path, type)
    source = load(
        paths, ids, NAMES[: stacked.shape[2]], type, members=["x", "y", "z"], scratch=tmp_path, held=held
    )
    assert isinstance(source, Memory if held else Store)
    np.testing.assert_allclose(source.read(0, 60), stacked, rtol=1e-6, atol=1e-7)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.parquet", "1.parquet", "2.parquet"]


def test_nan_and_other_rows_are_refused_with_the_members_name(tmp_path) -> None:
    paths, _, ids = tables(tmp_path, "single_label")
    settings = {"members": ["x", "y", "z"], "scratch": tmp_path, "held": 0}
    good = pd.read_parquet(paths[1])
    broken = good.set_index("id")
    broken.loc[["r4", "r9", "r2", "r7"], "p:b"] = np.nan
    write_table(broken.reset_index(), paths[1])
    with pytest.raises(
        UserError, match=r"member 'y' predicts NaN .* rows 'r\d', 'r\d', 'r\d' and 1 more \(.*1\."
    ):
        load(paths, ids, NAMES, "single_label", **settings)
    for table, message in (
        (good.iloc[1:], "ids of 'y' are 59 of the 60"),
        (pd.concat([good, good.iloc[:1]]), "ids of 'y' are not those expected"),
        (good.assign(id="r1"), "ids of 'y' are not those expected"),
        (good.drop(columns="p:c"), r"lack the columns \['p:c'\]"),
        (good.assign(**{"p:a": 2.0}), "does not sum to 1"),
    ):
        write_table(table, paths[1])
        with pytest.raises(ValueError, match=message):
            load(paths, ids, NAMES, "single_label", **settings)

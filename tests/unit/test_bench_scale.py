"""The measurement of scale: its made rows are what they are said to be, its figures are read and compared rightly."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import scale, scale_data
from podium.duplicates import clusters
from podium.filecheck import check
from podium.plans import Plans


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return scale_data.table(30_000)


def test_fewer_rows_are_the_first_ones_of_more(rows: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(scale_data.table(25_000), rows.head(25_000))


def test_ids_and_classes(rows: pd.DataFrame) -> None:
    assert rows["id"].is_unique
    shares = rows["label"].value_counts(normalize=True)
    assert len(shares) == scale_data.CLASSES
    assert 0.004 < shares.min() < shares.max() < 0.15


def test_as_many_rows_are_nearly_equal_as_is_said(rows: pd.DataFrame) -> None:
    sizes = pd.Series(clusters(rows["text"].tolist(), threshold=0.8, seed=0)).value_counts()
    again = 1 - len(sizes) / len(rows)
    assert 0.02 < again < 0.04
    assert ((sizes > 1) & (sizes <= 3)).sum() > 0.9 * (sizes > 1).sum()
    # Stock sentences, 20 of 0.2% of the rows together, and nothing above these
    assert sizes.iloc[0] < 3 * 0.002 * len(rows) / 20 + 6


@given(st.integers(1, 1 << 40), st.integers(1, 1 << 40))
def test_a_word_for_each_rank(one: int, other: int) -> None:
    assert (scale_data.word(one) == scale_data.word(other)) == (one == other)


def test_common_words_are_each_a_word(rows: pd.DataFrame) -> None:
    assert len({scale_data.word(rank) for rank in range(1, 100_000)}) == 99_999


def test_the_config_takes_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scale_data.write(Path("data/scale"), 2_000)
    parts = {name: pd.read_csv(f"data/scale/{name}.csv", dtype="str") for name in ("train", "test")}
    assert (len(parts["train"]), len(parts["test"])) == (2_000, 400)
    assert not set(parts["train"]["id"]) & set(parts["test"]["id"])
    plans = Plans.from_raw(scale.CONFIG, Path(scale.__file__).parents[1])
    for plan in plans.values():
        check(plan)


@given(
    st.floats(0.5, 2.0),
    st.floats(scale.SHORT, 50),
    st.sampled_from([(1_000, 3_000), (10_000, 100_000)]),
)
def test_exponent_of_a_power(power: float, seconds: float, sizes: tuple[int, int]) -> None:
    rows, more = sizes
    assert scale.exponent(seconds, seconds * (more / rows) ** power, rows, more) == pytest.approx(
        power, abs=0.006
    )


def test_figures_of_logs(tmp_path: Path) -> None:
    line = (
        "INFO podium: done: threads 1, total 9.00 s, imports 2.00 s, files 1.00 s, CPU {} s, memory {} MiB\n"
    )
    jobs: list[tuple[str, Any, Any]] = [
        ("train/topic/linear-s0/round0/fold0", 4.25, 700),
        ("train/topic/linear-s0/round0/fold1", 1.75, 900),
        ("ingest/topic_train", 0.5, 400),
        ("text/topic/raw/test", 0.25, 300),
    ]
    for name, cpu, memory in jobs:
        path = tmp_path / f"{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("something before\n" + line.format(cpu, memory), encoding="utf-8")
    (tmp_path / "train/topic/linear-s0/round0/fold2.log").write_text("begun\n", encoding="utf-8")
    assert scale.costs(tmp_path) == {
        "ingest train": {"cpu": 0.5, "mebibytes": 400, "jobs": 1},
        "text raw test": {"cpu": 0.25, "mebibytes": 300, "jobs": 1},
        "train linear-s0 fold": {"cpu": 6.0, "mebibytes": 900, "jobs": 2},
    }


def test_table_of_two_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    def size(rows: int, cpu: float, memory: float) -> dict[str, Any]:
        job = {"cpu": cpu, "mebibytes": memory, "jobs": 1}
        short = {"cpu": 0.1, "mebibytes": 512.0, "jobs": 1}
        return {"rows": rows, "wall": 60.0, "cv": 0.5, "rules": {"short": short, "folds": job}}

    scale.report([size(1_000, 2.0, 1024.0), size(10_000, 200.0, 2048.0)])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == ["folds", "1", "2", "200", "1", "2", "2"]
    assert lines[2] == ["short", "1", "0.1", "0.1", "0.5", "0.5"]
    assert np.isclose(float(lines[3][2]), 2.1)

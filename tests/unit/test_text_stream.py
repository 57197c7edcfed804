"""Views of files: streamed as in memory, by one process or several; what each step did."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from podium.config.text import plain_steps
from podium.errors import UserError
from podium.files import read_table, write_table
from podium.text import normalise, stream, write_changes, write_view
from scripts import text as script
from scripts import text_changes as changes_script
from tests.unit.wordnet_folder import tiny_wordnet

STEPS = plain_steps(
    ["nfkc", "emoji", {"urls": {"action": "drop"}}, "lowercase", "lemmas", "whitespace", "drop_duplicates"]
)
SETTINGS: dict[str, Any] = {"language": "en", "wordnet": None}


def table(rows: int, *, pair: bool = True) -> pd.DataFrame:
    texts = ["Mice  ran", "mice run", "Ｃats 👍 http://t.co/x", None, "cats", "ok @bob"]
    made = pd.DataFrame(
        {
            "id": [f"{k:04}" for k in range(rows)],
            "text_a": [texts[k % 6] if k % 7 else f"{texts[k % 5]} {k // 9}" for k in range(rows)],
            "text_b": [texts[k % 2] for k in range(rows)],
            "target": ["x"] * rows,
        },
        dtype="str",
    )
    return made if pair else made.drop(columns="text_b")


@pytest.fixture
def short_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BATCH_ROWS", 16)


@pytest.mark.usefixtures("short_batches")
@pytest.mark.parametrize("steps", [STEPS, STEPS[:-1], [], STEPS[-1:]], ids=len)
@pytest.mark.parametrize("rows", [0, 1, 16, 100])
@pytest.mark.parametrize("pair", [True, False])
def test_streamed_as_in_memory(tmp_path: Path, steps: list[Any], rows: int, pair: bool) -> None:
    given = table(rows, pair=pair)
    write_table(given, tmp_path / "rows.parquet")
    out = tmp_path / "made" / "view.parquet"
    write_view(tmp_path / "rows.parquet", out, steps=steps, **SETTINGS, processes=1)
    expected = normalise(given.drop(columns="target"), steps, **SETTINGS)
    pd.testing.assert_frame_equal(read_table(out), expected)
    assert [path.name for path in out.parent.iterdir()] == ["view.parquet"]


def test_processes_do_not_change_a_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tmp_path / "rows.parquet"
    write_table(table(3 * stream.BATCH_ROWS), rows)
    monkeypatch.setattr(stream, "MANY_ROWS", 2)
    made = []
    for processes in (1, 2):
        view, changes = tmp_path / f"{processes}.parquet", tmp_path / f"{processes}.changes.parquet"
        write_view(rows, view, steps=STEPS, **SETTINGS, processes=processes)
        parts, views = {"train": rows}, {"train": view}
        write_changes(parts, views, changes, steps=STEPS, **SETTINGS, samples=3, processes=processes)
        made.append((view.read_bytes(), changes.read_bytes()))
    assert made[0] == made[1]
    assert pq.ParquetFile(tmp_path / "2.parquet").metadata.num_row_groups == 3


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_table(table(5), tmp_path / "rows.parquet")
    out = tmp_path / "view.parquet"
    out.write_text("old")
    with pytest.raises(UserError, match="no emoji names"):
        write_view(tmp_path / "rows.parquet", out, steps=STEPS, language="xx", wordnet=None, processes=1)
    monkeypatch.setattr(stream, "_add_same_as", fail)
    with pytest.raises(OSError, match="disk"):
        write_view(tmp_path / "rows.parquet", out, steps=STEPS, **SETTINGS, processes=1)
    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.parquet", "view.parquet"]


def fail(*arguments: object) -> None:
    raise OSError("disk")


# ---- changes


def changes_of(folder: Path, parts: dict[str, pd.DataFrame], steps: list[Any], samples: int) -> pd.DataFrame:
    rows = {part: folder / f"{part}.parquet" for part in parts}
    views = {part: folder / f"{part}.view.parquet" for part in parts}
    for part, given in parts.items():
        write_table(given, rows[part])
        write_view(rows[part], views[part], steps=steps, **SETTINGS, processes=1)
    out = folder / "changes.parquet"
    write_changes(rows, views, out, steps=steps, **SETTINGS, samples=samples, processes=1)
    return pq.read_table(out).to_pandas()


@pytest.mark.usefixtures("short_batches")
def test_changes_are_those_of_step_by_step(tmp_path: Path) -> None:
    parts = {"train": table(100), "test": table(41)}
    made = changes_of(tmp_path, parts, STEPS, samples=10_000)
    assert made["position"].is_monotonic_increasing
    for part, given in parts.items():
        before = given.drop(columns="target").fillna("")
        for position, step in enumerate(STEPS):
            after = normalise(before, [step], **SETTINGS)
            rows = made[(made["part"] == part) & (made["position"] == position)]
            assert set(rows["step"]) == {step["step"]}
            assert set(rows["rows"]) == {len(given)}
            if step["step"] == "drop_duplicates":
                twice = after["id"] != after["same_as"]
                assert set(rows["changed"]) == {twice.sum()}
                found = dict(zip(rows["id"], rows["after"], strict=True))
                assert found == dict(zip(after["id"][twice], after["same_as"][twice], strict=True))
                continue
            expected = {
                (row_id, column, old, new)
                for column in ("text_a", "text_b")
                for row_id, old, new in zip(before["id"], before[column], after[column], strict=True)
                if old != new
            }
            shown = rows.dropna(subset="id")[["id", "column", "before", "after"]]
            assert set(shown.itertuples(index=False, name=None)) == expected
            assert set(rows["changed"]) == {len({row_id for row_id, *_ in expected})}
            before = after


def test_samples_are_few_and_do_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    given = table(300).drop_duplicates(subset="text_a")
    first = changes_of(tmp_path, {"train": given}, STEPS[:-1], samples=4)
    second = changes_of(tmp_path, {"train": given[::-1]}, STEPS[:-1], samples=4)
    pd.testing.assert_frame_equal(first, second)
    assert first.groupby("position").size().max() == 4


def test_long_texts_are_cut_around_the_change(tmp_path: Path) -> None:
    given = pd.DataFrame({"id": ["1"], "text_a": ["a" * 5000 + "B" + "c" * 5000]})
    (row,) = changes_of(tmp_path, {"train": given}, plain_steps(["lowercase"]), samples=1).itertuples()
    assert row.before == "…" + "a" * 100 + "B" + "c" * 399 + "…"
    assert row.after == "…" + "a" * 100 + "b" + "c" * 399 + "…"


# ---- scripts


@pytest.mark.parametrize("main", [script.main, changes_script.main], ids=["text", "text_changes"])
def test_scripts(tmp_path: Path, main: Callable[..., None]) -> None:
    wordnet = tiny_wordnet(tmp_path)
    rows = pd.DataFrame(
        {"id": ["0042"], "text_a": ["Movies  went"], "text_b": [None], "target": ["x"]}, dtype="str"
    )
    source, out = tmp_path / "train.parquet", tmp_path / "out.parquet"
    write_table(rows, source)
    shared: dict[str, Any] = {
        "steps": plain_steps(["whitespace", "lemmas"]),
        "language": "en",
        "wordnet": wordnet / "corpora/wordnet/data.noun",
        "threads": 1,
        "out": out,
    }
    if main is script.main:
        main(table=source, **shared)
        expected = pd.DataFrame({"id": ["0042"], "text_a": ["Movie go"], "text_b": [""]}, dtype="str")
        pd.testing.assert_frame_equal(read_table(out), expected)
        return
    main(train=source, test=source, train_view=source, test_view=source, samples=5, **shared)
    made = read_table(out)
    assert made["after"].tolist() == ["Movies went", "Movies went", "Movie go", "Movie go"]
    assert made["part"].tolist() == ["train", "test", "train", "test"]

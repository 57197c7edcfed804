"""What the processes of a team say to each other, and what is said when one of them is gone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from team_samples import add_up, follow, values_of

from podium.engine.team import fitting
from podium.engine.team.leader import Leader
from podium.engine.team.parcel import pack, unpack
from podium.engine.team.together import buckets
from podium.errors import TrainingError, UserError

CPU = torch.device("cpu")


class Started(Leader):
    """A leader of processes that do what the scripts say, one each."""

    def __init__(self, *scripts: list[tuple[str, Any]]) -> None:
        super().__init__(len(scripts) + 1, [pack(follow, {"steps": script}) for script in scripts])

    def __enter__(self) -> "Started":
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        self.close(failed=kind is not None)


@pytest.fixture(autouse=True)
def _nobody_stays() -> Iterator[None]:
    before = set(psutil.Process().children(recursive=True))  # those that other tests' libraries keep
    yield
    assert set(psutil.Process().children(recursive=True)) <= before
    assert not torch.distributed.is_initialized()


def test_three_processes_agree_and_add_up() -> None:
    sizes = [1, 4, 4, 3, 7, 10, 2]  # several rounds of a buffer of 10
    flags = [[False, True, False], [False, True, True], [True, False, False]]
    script = [("meet", "x"), ("add_up", sizes), ("told", 0.1), ("told", [np.nan, 1 / 3]), ("end", None)]
    scripts = [[script[0], ("agreed", own), *script[1:]] for own in flags[1:]]
    with Started(*scripts) as team:
        team.meet("x", CPU)
        assert team.agreed(np.array(flags[0])).tolist() == [True, True, True]
        found = add_up(team, sizes, room=10)
        assert team.told(0.1) == 0.1
        team.told(np.array([np.nan, 1 / 3]))
        team.end()
    for size, tensor in zip(sizes, found, strict=True):
        torch.testing.assert_close(tensor, values_of(0, size) + values_of(1, size) + values_of(2, size))


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        ([("killed", None)], TrainingError, r"process 2 of the 2 that share the job was killed \(SIGKILL\)"),
        ([("meet", "y")], TrainingError, "found different data"),
        ([("killed while all join", "x")], TrainingError, "was killed"),
        ([("meet", "x"), ("agreed", [True]), ("killed", None)], TrainingError, "start the run again"),
        ([("meet", "x"), ("raises", "no such thing")], UserError, "^no such thing$"),
    ],
    ids=["at-start", "other-facts", "joining", "at-a-sum", "user-error"],
)  # fmt: skip
def test_who_is_gone_or_failed_is_told_at_once(script: Any, kind: type[Exception], words: str) -> None:
    def led() -> None:
        with Started(script) as team:
            team.meet("x", CPU)
            team.agreed(np.array([False]))
            add_up(team, [5], room=10)

    with pytest.raises(kind, match=words) as told:
        led()
    assert len(str(told.value).splitlines()) == 1


def test_the_error_of_another_process_keeps_its_kind() -> None:
    """Of memory as such; of a mistake in the program with its name."""
    team = Leader(2, [])
    for kind, raised in (
        ("TrainingError", TrainingError),
        ("memory", MemoryError),
        ("KeyError", RuntimeError),
    ):
        with pytest.raises(raised, match="what it said"):
            team._fail(1, json.dumps({"kind": kind, "text": "what it said"}).encode())


@given(sizes=st.lists(st.integers(1, 9), min_size=1), size=st.integers(9, 20))
def test_buckets_keep_the_order_and_the_room(sizes: list[int], size: int) -> None:
    tensors = [torch.empty(one) for one in sizes]
    found = list(buckets(tensors, size))
    assert [id(tensor) for some in found for tensor in some] == [id(tensor) for tensor in tensors]
    assert all(some and sum(tensor.numel() for tensor in some) <= size for some in found)


def test_a_job_uses_the_devices_that_are_there(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    assert fitting.usable(2, device=CPU, threads=4) == 2
    assert not caplog.messages
    assert fitting.usable(3, device=CPU, threads=2) == 2
    assert "3 are asked for and 2 CPU threads are here" in caplog.text
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert fitting.usable(4, device=torch.device("cuda"), threads=8) == 1
    assert "4 are asked for and 1 GPU is here" in caplog.text


def test_a_parcel_holds_the_very_rows(tmp_path: Path) -> None:
    """Lists of tokens as results have them, an index with gaps, missing values, all numbers to the last bit."""
    table = pd.DataFrame(
        {
            "id": pd.Series(["a", "b\u4e2d", "c"], dtype="str"),
            "tokens_a": pd.Series([[1, 2], [], [3]], dtype=pd.ArrowDtype(pa.list_(pa.int32()))),
            "real": [True, False, True],
            "share": [0.1, np.nan, 1 / 3],
        },
        index=[4, 7, 9],
    )
    values = {
        **{
            "rows": table,
            "target": np.arange(6).reshape(3, 2)[:, ::-1],
            "none": np.zeros((0, 3), np.float32),
        },
        **{"scratch": tmp_path, "start": None, "names": ["x", "y"], "rate": 0.1 + 0.2},
    }
    work, found = unpack(pack(follow, values))
    assert work is follow
    assert list(found) == list(values)
    pd.testing.assert_frame_equal(found.pop("rows"), values.pop("rows"))
    for name in ("target", "none"):
        np.testing.assert_array_equal(found.pop(name), values[name], strict=True)
        del values[name]
    assert found == values

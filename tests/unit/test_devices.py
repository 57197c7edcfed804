"""The device of a job."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from podium import devices
from podium.models import KINDS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [0, 2])
def test_only_kinds_that_use_a_gpu_lease_one(kind: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    @contextmanager
    def lease(number: int) -> Iterator[str]:
        asked.append(number)
        yield "cuda:1" if number else "cpu"
        asked.append("back")

    monkeypatch.setattr(devices, "lease", lease)
    monkeypatch.setattr("torch.cuda.device_count", lambda: count)
    with devices.device_for(kind) as device:
        assert device == ("cuda:1" if KINDS[kind].gpu and count else "cpu")
    assert asked == ([count, "back"] if KINDS[kind].gpu else [])
    assert [kind for kind in KINDS if KINDS[kind].gpu] == ["textcnn", "transformer", "multitask", "reader"]

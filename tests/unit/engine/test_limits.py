"""Memory that runs out in chosen steps, and steps that are no numbers: against the run that nothing happens to."""

import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from model_samples import make, rows_of, saved_bytes
from multitask_samples import make as make_joint
from multitask_samples import rows_of_tasks

from podium import models
from podium.engine import checkpoint as checkpoints
from podium.engine import finite, loop, shortage
from podium.engine.objective import Objective
from podium.errors import TrainingError, UserError
from podium.models.transformer import Model

TARGET = np.arange(40) % 3
ROWS = rows_of(TARGET)
ONES = np.ones(40)
SHORTAGES = {
    "device": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "cpu": RuntimeError(
        "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried"
    ),
    "python": MemoryError(),
}


def unfitted(encoder: Path, **changes: Any) -> Model:
    small: dict[str, Any] = {"epochs": 2, "dropout": 0.0, "attention_dropout": 0.0}
    model = make("transformer", 3, encoder=str(encoder), **{**small, **changes})
    assert isinstance(model, Model)
    return model


def saved(model: Any, folder: Path) -> dict[str, bytes]:
    models.save(model, folder)
    return saved_bytes(folder)


class Device:
    """A device with room for some tokens at once, from a step on: what is more fails when its gradient is there."""

    def __init__(self, patch: pytest.MonkeyPatch, room: int, since: int, error: Exception) -> None:
        self.parts: list[tuple[int, int]] = []
        self.room, self.since, self.error = room, since, error
        accumulate, whole = Objective.accumulate, loop.Finetuning._accumulated

        def beginning(run: loop.Finetuning, number: int, *given: Any) -> torch.Tensor:
            self.step = number
            return whole(run, number, *given)

        def accumulating(objective: Any, part: np.ndarray, *given: Any) -> torch.Tensor:
            encoded = objective.rows.encoded
            used = shortage.cost(part, encoded.widths, encoded.counts if encoded.chunked else None)
            loss = accumulate(objective, part, *given)
            if self.step >= self.since and used > self.room:
                raise self.error
            self.parts.append((self.step, len(part)))
            return loss

        patch.setattr(loop.Finetuning, "_accumulated", beginning)
        patch.setattr(Objective, "accumulate", accumulating)


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "rows": ("device", {}),
    "tokens": ("cpu", {"batch_tokens": 128, "average": {"method": "ema", "decay": 0.9}}),
    "chunks": ("python", {"long_texts": "chunks", "max_length": 8}),
    "parts": ("device", {"accumulate": 2, "batch_size": 16, "freeze_layers": 1}),
}


@pytest.mark.parametrize("case", CASES)
def test_smaller_parts_train_the_same_weights(
    encoder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    case: str,
) -> None:
    kind, changes = CASES[case]
    plain, short = unfitted(encoder, **changes), unfitted(encoder, **changes)
    plain.fit(ROWS, TARGET, ONES)
    assert plain.shortages == []
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        device = Device(patch, 40, 3, SHORTAGES[kind])
        short.fit(ROWS, TARGET, ONES)
    assert [found["step"] for found in short.shortages][:1] == [4]
    limits = [found["tokens_at_once"] for found in short.shortages]
    assert limits == sorted(limits, reverse=True)
    assert sum("memory ran out at step" in line for line in caplog.messages) == len(limits)
    assert max(rows for step, rows in device.parts if step < 3) > max(
        rows for step, rows in device.parts if step > 3
    )
    assert len(short.curve) == len(plain.curve)
    for name in ("loss", "norm"):
        np.testing.assert_allclose(short.curve[name], plain.curve[name], rtol=2e-5, atol=1e-6)
    for name, tensor in plain.network.state_dict().items():
        torch.testing.assert_close(short.network.state_dict()[name], tensor, atol=1e-5, rtol=1e-4, msg=name)


def test_the_gradient_of_the_step_is_the_whole_batchs(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To 1e-6, with nothing of the failed attempt in it."""
    seen: list[list[torch.Tensor]] = []
    step = torch.optim.AdamW.step

    def watched(self: torch.optim.AdamW, *given: Any) -> Any:
        seen.append(
            [p.grad.clone() for group in self.param_groups for p in group["params"] if p.grad is not None]
        )
        return step(self, *given)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    unfitted(encoder, steps=1, batch_size=40).fit(ROWS, TARGET, ONES)
    with monkeypatch.context() as patch:
        Device(patch, 150, 0, SHORTAGES["device"])
        unfitted(encoder, steps=1, batch_size=40).fit(ROWS, TARGET, ONES)
    for whole, parts in zip(*seen, strict=True):
        torch.testing.assert_close(parts, whole, atol=1e-6, rtol=1e-5)


def test_a_run_taken_up_again_keeps_its_parts(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With dropout, whose masks go with the parts: memory that is enough after the restart changes nothing."""
    whole = unfitted(encoder, dropout=0.1)
    with monkeypatch.context() as patch:
        Device(patch, 60, 2, SHORTAGES["device"])
        whole.fit(ROWS, TARGET, ONES)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.Checkpoint.__init__, "__defaults__", (0.0,))
        device, begin = Device(patch, 60, 2, SHORTAGES["device"]), Objective.begin

        def killed(objective: Any, batch: np.ndarray, step: int, epoch: int) -> None:
            if step == 6:
                raise KeyboardInterrupt
            begin(objective, batch, step, epoch)

        patch.setattr(Objective, "begin", killed)
        with pytest.raises(KeyboardInterrupt):
            unfitted(encoder, dropout=0.1).fit(ROWS, TARGET, ONES, scratch=tmp_path / "scratch")
        assert device.parts
    resumed = unfitted(encoder, dropout=0.1)
    resumed.fit(ROWS, TARGET, ONES, scratch=tmp_path / "scratch")
    assert resumed.shortages == whole.shortages != []
    assert saved(resumed, tmp_path / "a") == saved(whole, tmp_path / "b")


@pytest.mark.parametrize("method", ["dwa", "gradnorm"])
def test_a_model_of_several_tasks_learns_of_each_step_once(
    encoder: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    rows, target = rows_of_tasks()
    curves = []
    balance = {"method": method} | ({"interval": 2} if method == "dwa" else {})
    for room in (None, 60):
        model = make_joint(encoder, epochs=2, dropout=0.0, attention_dropout=0.0, balance=balance)
        with monkeypatch.context() as patch:
            if room:
                Device(patch, room, 1, SHORTAGES["device"])
            model.fit(rows, target, np.ones(len(rows)))
        curves.append(model.curve)
        assert bool(model.shortages) == bool(room)
    for name in curves[0].columns:
        np.testing.assert_allclose(curves[1][name], curves[0][name], rtol=1e-3, atol=1e-5, err_msg=name)


def test_a_single_row_that_does_not_fit_names_the_keys(
    encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Device(monkeypatch, 3, 1, SHORTAGES["device"])
    with pytest.raises(
        TrainingError, match=r"memory ran out at step 2 with a single row of \d+ tokens.*max_length"
    ):
        unfitted(encoder).fit(ROWS, TARGET, ONES)


def test_other_errors_stay_what_they_are(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Device(monkeypatch, 0, 1, RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes do not match"):
        unfitted(encoder).fit(ROWS, TARGET, ONES)


# ---- prediction


@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=30),
    budget=st.integers(1, 200),
    room=st.integers(1, 200),
)
def test_every_row_is_worked_on_once_within_the_room(lengths: list[int], budget: int, room: int) -> None:
    array, done = np.array(lengths), []

    def work(places: np.ndarray) -> list[int]:
        if shortage.cost(places, array, None) > room:
            raise MemoryError
        return [lengths[place] for place in places]

    def run() -> None:
        for places, made in shortage.in_batches(work, array, budget):
            assert made == array[places].tolist()
            done.extend(places.tolist())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shortage, "release", lambda: None)  # it takes a tenth of a second
        if max(lengths) <= room:
            run()
            assert sorted(done) == list(range(len(lengths)))
            return
        with pytest.raises(UserError, match="memory ran out with a single row"):
            run()


@pytest.mark.parametrize("kind", ["transformer", "textcnn"])
def test_predictions_keep_rows_and_order(encoder: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    model = make(kind, 3, **({"encoder": str(encoder)} if kind == "transformer" else {}))
    model.fit(ROWS, TARGET, ONES)
    before = model.predict(ROWS)
    network = type(model.network)  # type: ignore[attr-defined]
    forward, calls = network.forward, []

    def limited(self: Any, batch: Any) -> Any:
        if batch.size > 7:
            raise SHORTAGES["device"]
        calls.append(batch.size)
        return forward(self, batch)

    monkeypatch.setattr(network, "forward", limited)
    np.testing.assert_allclose(model.predict(ROWS), before, atol=1e-6)
    assert sum(calls) == 40


# ---- steps that are no numbers


@pytest.fixture(params=["exact", "lazy"])
def looking(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Look at each step as on a CPU, or later as on a GPU."""
    if request.param == "lazy":
        make_watch = finite.Watch.__init__

        def lazily(self: Any, *given: Any) -> None:
            make_watch(self, *given)
            self.lazy = True

        monkeypatch.setattr(finite.Watch, "__init__", lazily)
    return str(request.param)


def watch_weights(patch: pytest.MonkeyPatch) -> list[dict[str, torch.Tensor]]:
    """The weights at the beginning of each step."""
    seen: list[dict[str, torch.Tensor]] = []
    step = loop.Finetuning._step

    def watched(self: loop.Finetuning, *given: Any) -> Any:
        seen.append({name: tensor.clone() for name, tensor in self.network.state_dict().items()})
        return step(self, *given)

    patch.setattr(loop.Finetuning, "_step", watched)
    return seen


def test_a_row_without_a_loss_is_named_and_nothing_is_saved(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looking: str
) -> None:
    made = Objective.__init__

    def poisoned(self: Any, *given: Any, **more: Any) -> None:
        made(self, *given, **more)
        self.rows.weight[[5, 23]] = math.nan

    monkeypatch.setattr(Objective, "__init__", poisoned)
    seen = watch_weights(monkeypatch)
    monkeypatch.setattr(checkpoints.Checkpoint.__init__, "__defaults__", (0.0,))
    model = unfitted(encoder, average={"method": "ema", "decay": 0.9})
    with pytest.raises(TrainingError) as told:
        model.fit(ROWS, TARGET, ONES, scratch=tmp_path)
    words = str(told.value)
    bad = int(words.split("at step ")[1].split(" ")[0])
    assert words.startswith("training: the loss is nan at step ")
    assert "(epoch 1, learning rate " in words
    listed = words.split("not finite: ")[1].split(";")[0].split(", ")
    assert set(listed) <= {"005", "023"}
    assert "learning_rate, set precision: fp32, or lower max_grad_norm" in words
    left = model.network.state_dict()
    assert all(torch.equal(left[name], tensor) for name, tensor in seen[bad - 1].items())
    if bad > 1:
        with checkpoints.safe_open(tmp_path / checkpoints.NAME, framework="pt") as kept:
            assert all(torch.isfinite(kept.get_tensor(name)).all() for name in kept.keys())  # noqa: SIM118


def test_a_gradient_that_is_no_number_names_the_batch(
    encoder: Path, monkeypatch: pytest.MonkeyPatch, looking: str
) -> None:
    seen, begin, steps = watch_weights(monkeypatch), Objective.begin, []
    accumulate = Objective.accumulate

    def noted(self: Any, batch: np.ndarray, step: int, epoch: int) -> None:
        steps.append(batch)
        begin(self, batch, step, epoch)

    def overflowing(self: Any, *given: Any) -> torch.Tensor:
        loss = accumulate(self, *given)
        if len(steps) == 4:
            next(p for p in self.network.parameters() if p.grad is not None).grad.fill_(math.inf)
        return loss

    monkeypatch.setattr(Objective, "begin", noted)
    monkeypatch.setattr(Objective, "accumulate", overflowing)
    model = unfitted(encoder, batch_size=7)
    with pytest.raises(TrainingError) as told:
        model.fit(ROWS, TARGET, ONES)
    ids = ", ".join(ROWS["id"].iloc[steps[3][:5]])
    assert "at step 4 (epoch 1, learning rate " in str(told.value)
    assert f"rows of the batch: {ids} and 2 more; " in str(told.value)
    assert "the gradient's norm is inf (loss 1." in str(told.value)
    left = model.network.state_dict()
    assert all(torch.equal(left[name], tensor) for name, tensor in seen[3].items())


def test_looking_later_trains_the_same_bytes(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for lazy in (False, True):
        model = unfitted(encoder, dropout=0.1)
        with monkeypatch.context() as patch:
            make_watch = finite.Watch.__init__

            def switched(self: Any, *given: Any, lazy: bool = lazy, make_watch: Any = make_watch) -> None:
                make_watch(self, *given)
                self.lazy = lazy

            patch.setattr(finite.Watch, "__init__", switched)
            model.fit(ROWS, TARGET, ONES)
        found.append(saved(model, tmp_path / str(lazy)))
    assert found[0] == found[1]

"""The training loop against a plain one, and runs that are stopped and taken up again."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from model_samples import make, rows_of, saved_bytes

from podium.engine import checkpoint as checkpoints
from podium.engine import loop
from podium.engine.encoding import encode, epoch_batches
from podium.models import transformer
from podium.models.transformer import Model
from podium.seeds import derive

TARGET = np.arange(40) % 3
ROWS = rows_of(TARGET)


def unfitted(encoder: Path, **changes: Any) -> Model:
    model = make("transformer", 3, encoder=str(encoder), epochs=3, **changes)
    assert isinstance(model, Model)
    return model


def saved(model: Model, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    model.save(folder)
    return saved_bytes(folder)


def test_the_same_weights_as_a_plain_loop(encoder: Path) -> None:
    """AdamW, the scheduler and clipping of torch in the order of a textbook, on the same batches."""
    weight = np.linspace(0.5, 1.5, len(TARGET))
    model = unfitted(encoder)
    model.fit(ROWS, TARGET, weight)
    assert model.network is not None

    torch.manual_seed(model.seed)
    tokenizer, inner, hidden = transformer.open_encoder(model.options, model.device)
    network = transformer.Network(inner, hidden, 3, "mean", model.options.dropout).train()
    encoded = encode(tokenizer, ROWS, model.options.max_length)
    optimizer = torch.optim.AdamW(loop.parameter_groups(network, model.options), foreach=False)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: loop.rate_factor(step, 15, 0.1))
    number = 0
    for epoch in range(3):
        for batch in epoch_batches(encoded.lengths, 8, np.random.default_rng([model.seed, epoch])):
            torch.manual_seed(derive(model.seed, "step", number))
            losses = torch.nn.functional.cross_entropy(
                network(**encoded.batch(batch, model.device)),
                torch.as_tensor(TARGET[batch]),
                reduction="none",
            )
            (losses * torch.as_tensor(weight[batch])).mean().backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            number += 1
    assert number == 15 == len(model.curve)
    for (name, ours), (_, plain) in zip(
        model.network.named_parameters(), network.named_parameters(), strict=True
    ):
        torch.testing.assert_close(ours, plain, atol=2e-6, rtol=1e-4, msg=name)


def stop_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Make a run save after every step and die like a killed one after some."""
    monkeypatch.setattr(checkpoints, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints.Checkpoint.__init__, "__defaults__", (0.0,))
    plain = loop.Finetuning._step

    def step(self: loop.Finetuning, epoch: int, batch: np.ndarray) -> dict[str, Any]:
        if len(self.curve) >= steps:
            raise KeyboardInterrupt
        return plain(self, epoch, batch)

    monkeypatch.setattr(loop.Finetuning, "_step", step)


@pytest.mark.parametrize("steps", [1, 4, 5, 12])  # inside an epoch and at its end (5 batches)
def test_a_stopped_run_ends_with_the_same_bytes(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    undisturbed = unfitted(encoder)
    undisturbed.fit(ROWS, TARGET, np.ones(40))
    scratch = tmp_path / "scratch"
    with monkeypatch.context() as patch:
        stop_after(patch, steps)
        with pytest.raises(KeyboardInterrupt):
            unfitted(encoder).fit(ROWS, TARGET, np.ones(40), scratch=scratch)
    assert [path.name for path in scratch.iterdir()] == [checkpoints.NAME]
    done: list[int] = []
    with monkeypatch.context() as patch:
        plain = loop.Finetuning._step
        patch.setattr(loop.Finetuning, "_step", lambda self, *given: (done.append(1), plain(self, *given))[1])
        resumed = unfitted(encoder)
        resumed.fit(ROWS, TARGET, np.ones(40), scratch=scratch)
    assert len(done) == 15 - steps
    assert saved(resumed, tmp_path / "a") == saved(undisturbed, tmp_path / "b")
    assert not scratch.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"options": {"learning_rate": 2e-4}},
        {"target": (TARGET + 1) % 3},
        {"rows": ROWS.assign(text_a=ROWS["text_a"].str[::-1])},
        {"weight": np.full(40, 0.5)},
    ],
    ids=["settings", "labels", "texts", "weights"],
)
def test_a_checkpoint_of_another_run_is_never_used(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    scratch = tmp_path / "scratch"
    with monkeypatch.context() as patch:
        stop_after(patch, 7)
        with pytest.raises(KeyboardInterrupt):
            unfitted(encoder).fit(ROWS, TARGET, np.ones(40), scratch=scratch)
    rows: pd.DataFrame = change.get("rows", ROWS)
    target, weight = change.get("target", TARGET), change.get("weight", np.ones(40))
    fresh, beside = (unfitted(encoder, **change.get("options", {})) for _ in range(2))
    fresh.fit(rows, target, weight)
    beside.fit(rows, target, weight, scratch=scratch)
    assert saved(beside, tmp_path / "a") == saved(fresh, tmp_path / "b")


def test_a_damaged_checkpoint_is_left_aside(encoder: Path, tmp_path: Path) -> None:
    (tmp_path / checkpoints.NAME).write_bytes(b"no safetensors")
    model = unfitted(encoder)
    model.fit(ROWS, TARGET, np.ones(40), scratch=tmp_path)
    assert len(model.curve) == 15
    assert not tmp_path.exists()


def test_the_curve_tells_every_step(encoder: Path) -> None:
    model = unfitted(encoder)
    model.fit(ROWS, TARGET, np.ones(40))
    assert model.curve["step"].tolist() == list(range(15))
    assert (model.curve.groupby("epoch")["rows"].sum() == 40).all()
    assert model.curve.groupby("epoch")["tokens"].sum().nunique() == 1
    assert model.curve["loss"].iloc[-5:].mean() < model.curve["loss"].iloc[:5].mean()
    assert model.curve["rate"].max() == model.options.learning_rate

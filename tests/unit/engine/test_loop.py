"""The training loop against a plain one, every trick through it, and runs that are stopped and taken up again."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from model_samples import make, rows_of, saved_bytes
from transformers import AutoModel, AutoTokenizer, get_linear_schedule_with_warmup

from podium.engine import checkpoint as checkpoints
from podium.engine import loop
from podium.engine.batching import epoch_batches
from podium.engine.optimization import parameter_groups
from podium.models.transformer import Model

TARGET = np.arange(40) % 3
ROWS = rows_of(TARGET)
TRICKS: dict[str, dict[str, Any]] = {
    "accumulate": {"accumulate": 3},
    "adversarial": {"adversarial": {"method": "pgd", "from_epoch": 2}},
    "average": {"average": {"method": "ema", "decay": 0.9}},
    "awp": {"adversarial": {"method": "awp"}},
    "freeze_layers": {"freeze_layers": 1},
    "batch_tokens": {"batch_tokens": 128, "steps": 15},
    "chunks": {"long_texts": "chunks", "max_length": 8, "chunk_pooling": "attention"},
    "distillation": {"distillation": {"weight": 0.5}},
    "dropout_samples": {"dropout_samples": 3},
    "fgm": {"adversarial": {"method": "fgm"}},
    "freelb and mixup": {"adversarial": {"method": "freelb", "steps": 2}, "mixup": {"where": "words"}},
    "gradient_checkpointing": {"gradient_checkpointing": True},
    "lora": {"lora": {"rank": 2}, "learning_rate": 1e-3},
    "mixup": {"mixup": {"where": "sentence"}},
    "mixup of words": {"mixup": {"where": "words"}},
    "pgd_rows": {"adversarial": {"method": "pgd_rows"}},
    "r_drop": {"r_drop": {"alpha": 2.0}},
    "reinit_layers": {"reinit_layers": 1},
    "schedule": {"schedule": "cosine", "epochs": 2.5},
    "stopping": {"stopping": {"share": 0.25, "score": "accuracy"}, "average": {"start": 0.3}},
    "swa": {"average": {"method": "swa", "start": 0.5, "every": None}},
    "truncation": {"truncation": "head_tail", "max_length": 9},
    "unfreeze": {"unfreeze": 0.7, "adversarial": {"method": "fgm_rows"}},
    "word_dropout": {"word_dropout": {"rate": 0.2}},
    **{
        f"loss {name}": {"loss": {"name": name}}
        for name in ("focal", "soft_f1", "symmetric", "generalized", "binary", "corn")
    },
    "all of it": {
        "adversarial": {"method": "pgd", "steps": 2, "from_epoch": 2},
        "average": {"method": "ema"},
        "mixup": {"where": "sentence"},
        "r_drop": {"alpha": 1.0},
        "word_dropout": {"rate": 0.1},
        "distillation": {"weight": 0.5},
        "stopping": {"share": 0.25},
        "loss": {"name": "soft_f1"},
        **{"long_texts": "chunks", "max_length": 8, "chunk_pooling": "attention", "pooling": "attention"},
        **{"dropout_samples": 2, "accumulate": 2, "batch_tokens": 128, "steps": 15, "layer_decay": 0.8},
    },
}
TEACHER = np.full((40, 3), 1 / 3)


def unfitted(encoder: Path, **changes: Any) -> Model:
    model = make("transformer", 3, encoder=str(encoder), **{"epochs": 3, **changes})
    assert isinstance(model, Model)
    return model


def saved(model: Model, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    model.save(folder)
    return saved_bytes(folder)


def test_the_same_weights_as_a_plain_loop(encoder: Path) -> None:
    """Transformers' own encoder and schedule, AdamW and clipping of torch in the order of a textbook."""
    weight = np.linspace(0.5, 1.5, len(TARGET))
    model = unfitted(encoder, dropout=0.0, layer_decay=1.0, warmup=0.0)
    model.fit(ROWS, TARGET, weight)

    torch.manual_seed(model.seed)
    inner, tokenizer = AutoModel.from_pretrained(encoder), AutoTokenizer.from_pretrained(encoder)
    head = torch.nn.Linear(32, 3)
    torch.nn.init.normal_(head.weight, std=0.02)
    torch.nn.init.zeros_(head.bias)
    plain = torch.nn.ModuleDict({"encoder": inner.train(), "head": head})
    for module in plain.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    lengths = np.array([len(ids) for ids in tokenizer(ROWS["text_a"].tolist())["input_ids"]])
    groups = parameter_groups(plain, model.options.recipe().optimization, fresh=())
    optimizer = torch.optim.AdamW(groups, foreach=False)
    schedule = get_linear_schedule_with_warmup(optimizer, 0, 15)
    for epoch in range(3):
        random = np.random.default_rng([model.seed, epoch])
        for batch in epoch_batches(lengths, 8, random, window=loop.WINDOW):
            inputs = tokenizer(ROWS["text_a"].iloc[batch].tolist(), padding=True, return_tensors="pt")
            mask = inputs["attention_mask"].unsqueeze(-1).float()
            pooled = (inner(**inputs).last_hidden_state * mask).sum(1) / mask.sum(1)
            losses = torch.nn.functional.cross_entropy(
                head(pooled), torch.as_tensor(TARGET[batch]), reduction="none"
            )
            (losses * torch.as_tensor(weight[batch])).mean().backward()
            torch.nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    assert len(model.curve) == 15
    ours = dict(model.network.encoder.named_parameters())
    for name, parameter in inner.named_parameters():
        if (
            "word_embeddings" not in name and "key.bias" not in name
        ):  # ids without a row decay there, and not here
            torch.testing.assert_close(ours[name], parameter, atol=2e-5, rtol=1e-4, msg=name)
    used = np.unique(np.concatenate(tokenizer(ROWS["text_a"].tolist())["input_ids"]))
    table = ours["embeddings.word_embeddings.weight"]
    torch.testing.assert_close(
        table[used], inner.embeddings.word_embeddings.weight[used], atol=2e-5, rtol=1e-4
    )
    torch.testing.assert_close(model.network.head.output.weight, head.weight, atol=2e-5, rtol=1e-4)


def test_a_batch_in_parts_is_the_batch(encoder: Path) -> None:
    """The gradient of accumulated parts: the same weights after one step, to 1e-6."""
    after = []
    for parts in (1, 4):
        model = unfitted(encoder, steps=1, batch_size=40, accumulate=parts, dropout=0.0, warmup=0.0)
        model.fit(ROWS, TARGET, np.linspace(0.5, 1.5, 40))
        after.append(model)
    assert after[0].curve["norm"].iloc[0] == pytest.approx(after[1].curve["norm"].iloc[0], rel=1e-5)
    assert after[0].curve["loss"].iloc[0] == pytest.approx(after[1].curve["loss"].iloc[0], rel=1e-6)


def test_unused_word_embeddings_stay_as_they_were(encoder: Path) -> None:
    model = unfitted(encoder)
    model.fit(ROWS, TARGET, np.ones(40))
    before = AutoModel.from_pretrained(encoder).embeddings.word_embeddings.weight
    after = model.network.encoder.embeddings.word_embeddings.weight
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    used = np.unique(np.concatenate(tokenizer(ROWS["text_a"].tolist())["input_ids"]))
    changed = np.flatnonzero((after != before).any(dim=1).numpy())
    assert set(used) <= set(changed) <= {*used, *tokenizer.all_special_ids}


@pytest.fixture(scope="module")
def plain(encoder: Path) -> np.ndarray:
    """What is predicted after training without any trick."""
    model = unfitted(encoder)
    model.fit(ROWS, TARGET, np.ones(40))
    return model.predict(ROWS)


@pytest.mark.parametrize("trick", TRICKS)
def test_every_trick_trains_and_resumes_to_the_same_bytes(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain: np.ndarray, trick: str
) -> None:
    rows = ROWS.assign(cluster=np.arange(40))

    def trained(scratch: Path | None = None) -> Model:
        model = unfitted(encoder, **TRICKS[trick])
        teacher = TEACHER if model.options.distillation else None
        model.fit(rows, TARGET, np.ones(40), teacher=teacher, scratch=scratch)
        return model

    undisturbed = trained()
    assert np.isfinite(undisturbed.curve["loss"]).all()
    proba = undisturbed.predict(rows)
    assert np.abs(proba - plain).max() > 1e-7
    with monkeypatch.context() as patch:
        stop_after(patch, 8)
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path / "scratch")
    resumed = trained(tmp_path / "scratch")
    assert saved(resumed, tmp_path / "a") == saved(undisturbed, tmp_path / "b")
    loaded = Model.load(tmp_path / "a", device="cpu", threads=1)
    np.testing.assert_allclose(loaded.predict(rows), proba, atol=1e-7)


def test_frozen_layers_stay_as_they_were(encoder: Path) -> None:
    model = unfitted(encoder, freeze_layers=1)
    model.fit(ROWS, TARGET, np.ones(40))
    before = dict(AutoModel.from_pretrained(encoder).named_parameters())
    for name, parameter in model.network.encoder.named_parameters():
        frozen = name.startswith(("embeddings.", "encoder.layer.0."))
        assert torch.equal(parameter, before[name]) == (frozen or name.startswith("pooler.")), name


def test_the_best_epoch_is_chosen_on_rows_that_do_not_train(encoder: Path) -> None:
    model = unfitted(encoder, stopping={"share": 0.25, "patience": 1}, learning_rate=1e-2, epochs=8)
    model.fit(ROWS.assign(cluster=np.arange(40) // 2), TARGET, np.ones(40))
    rows = model.curve.groupby("epoch")["rows"].sum()
    assert (rows < 40).all()
    scores = model.curve["score"].dropna().to_numpy()
    assert len(scores) == len(rows)
    assert len(scores) == 8 or int(scores.argmax()) == len(scores) - 2  # one epoch without gain was the last


def test_layers_thaw_within_an_epoch(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five steps an epoch and 0.4 epochs for each layer: one more after two steps, also in the middle of an epoch."""
    lowest: list[int] = []
    plain = loop.Finetuning._accumulated

    def accumulated(self: loop.Finetuning, *given: Any) -> torch.Tensor:
        names = [name for name, parameter in self.network.named_parameters() if parameter.requires_grad]
        depths = {"word_embeddings": 0, "layer.0.": 1, "layer.1.": 2}
        lowest.append(min(depth for part, depth in depths.items() if any(part in name for name in names)))
        return plain(self, *given)

    monkeypatch.setattr(loop.Finetuning, "_accumulated", accumulated)
    model = unfitted(encoder, epochs=1, unfreeze=0.4)
    model.fit(ROWS, TARGET, np.ones(40))
    assert lowest == [2, 2, 1, 1, 0]


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
    assert scratch.is_dir()  # whoever writes the model removes it


@pytest.mark.parametrize(
    "change",
    [
        {"options": {"learning_rate": 2e-4}},
        {"options": {"loss": {"smoothing": 0.1}}},
        {"target": (TARGET + 1) % 3},
        {"rows": ROWS.assign(text_a=ROWS["text_a"].str[::-1])},
        {"weight": np.full(40, 0.5)},
        {"rows": ROWS.assign(draw=np.arange(40) % 2, draws=2)},
        {"rows": ROWS.assign(cluster=np.arange(40) // 4), "both": {"stopping": {"share": 0.25}}},
    ],
    ids=["settings", "loss", "labels", "texts", "weights", "draws", "clusters"],
)
def test_a_checkpoint_of_another_run_is_never_used(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    scratch, both = tmp_path / "scratch", change.get("both", {})
    with monkeypatch.context() as patch:
        stop_after(patch, 7)
        with pytest.raises(KeyboardInterrupt):
            unfitted(encoder, **both).fit(ROWS, TARGET, np.ones(40), scratch=scratch)
    rows: pd.DataFrame = change.get("rows", ROWS)
    target, weight = change.get("target", TARGET), change.get("weight", np.ones(40))
    fresh, beside = (unfitted(encoder, **both, **change.get("options", {})) for _ in range(2))
    fresh.fit(rows, target, weight)
    beside.fit(rows, target, weight, scratch=scratch)
    assert saved(beside, tmp_path / "a") == saved(fresh, tmp_path / "b")


def test_each_epoch_trains_on_its_own_draw(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20 rows of every epoch, 10 of the even and 10 of the odd ones; a stopped run goes on with the same rows."""
    rows = ROWS.assign(draw=[0] * 30 + [1] * 10, draws=[1] * 20 + [2] * 20)
    seen: list[tuple[int, list[int]]] = []
    plain = loop.Finetuning._step

    def step(self: loop.Finetuning, epoch: int, batch: np.ndarray) -> dict[str, Any]:
        seen.append((epoch, batch.tolist()))
        return plain(self, epoch, batch)

    undisturbed = unfitted(encoder)
    with monkeypatch.context() as patch:
        patch.setattr(loop.Finetuning, "_step", step)
        undisturbed.fit(rows, TARGET, np.ones(40))
    for epoch in range(3):
        trained = sorted(row for number, batch in seen if number == epoch for row in batch)
        assert trained == [*range(20), *range(20 + 10 * (epoch % 2), 30 + 10 * (epoch % 2))]
    with monkeypatch.context() as patch:
        stop_after(patch, 6)
        with pytest.raises(KeyboardInterrupt):
            unfitted(encoder).fit(rows, TARGET, np.ones(40), scratch=tmp_path / "scratch")
    resumed = unfitted(encoder)
    resumed.fit(rows, TARGET, np.ones(40), scratch=tmp_path / "scratch")
    assert saved(resumed, tmp_path / "a") == saved(undisturbed, tmp_path / "b")


def test_a_damaged_checkpoint_is_left_aside(encoder: Path, tmp_path: Path) -> None:
    (tmp_path / checkpoints.NAME).write_bytes(b"no safetensors")
    model = unfitted(encoder)
    model.fit(ROWS, TARGET, np.ones(40), scratch=tmp_path)
    assert len(model.curve) == 15


def test_the_curve_tells_every_step(encoder: Path) -> None:
    model = unfitted(encoder, dropout=0.0)  # its noise is as large as what the loss falls by
    model.fit(ROWS, TARGET, np.ones(40))
    assert model.curve["step"].tolist() == list(range(15))
    assert (model.curve.groupby("epoch")["rows"].sum() == 40).all()
    assert model.curve.groupby("epoch")["tokens"].sum().nunique() == 1
    assert model.curve["loss"].iloc[-5:].mean() < model.curve["loss"].iloc[:5].mean()
    assert model.curve["rate"].max() == model.options.learning_rate
    factor = model.curve["rate"] / model.options.learning_rate
    np.testing.assert_allclose(model.curve["head_rate"], factor * model.options.head_learning_rate)


@pytest.mark.parametrize(("start", "frozen"), [(0.0, 6), (0.2, 6), (0.6, 9)])
def test_swa_has_a_constant_rate_that_is_not_one_of_the_warmup(
    encoder: Path, start: float, frozen: int
) -> None:
    model = unfitted(encoder, warmup=0.4, average={"method": "swa", "start": start})
    model.fit(ROWS, TARGET, np.ones(40))
    rates, peak = model.curve["rate"].to_numpy(), model.options.learning_rate
    np.testing.assert_allclose(rates[:6], peak * np.arange(1, 7) / 6)
    assert len(set(rates[frozen:])) == 1
    assert rates[-1] == pytest.approx(peak * (15 - frozen) / 9)


def test_what_a_run_is_too_short_for_is_told(encoder: Path, caplog: pytest.LogCaptureFixture) -> None:
    idle = {
        "unfreeze": 1.0,
        "average": {"method": "swa", "every": 20},
        "word_dropout": {"rate": 0.1, "from_epoch": 3},
    }
    unfitted(encoder, steps=8, **idle).fit(ROWS, TARGET, np.ones(40))
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "word_dropout.from_epoch: 3 is after the last epoch, 2: it never begins",
        "average: weights are taken once only, after the last step, so that nothing is averaged",
        "unfreeze: with 1 epochs for each layer the embeddings never train in 1.6",
    ]
    caplog.clear()
    useful = {"unfreeze": 0.4, "average": {"method": "swa"}, "word_dropout": {"rate": 0.1, "from_epoch": 2}}
    unfitted(encoder, steps=8, **useful).fit(ROWS, TARGET, np.ones(40))
    assert not [record for record in caplog.records if record.levelname == "WARNING"]

"""A model of several tasks: against the model of one, resumed runs, each task's own weights, what it refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_samples import make as make_single
from model_samples import rows_of, saved_bytes
from multitask_samples import make, rows_of_tasks
from safetensors.torch import load_file
from sklearn.metrics import f1_score

from podium.engine import checkpoint as checkpoints
from podium.engine.multitask.loop import JointFinetuning
from podium.errors import UserError
from podium.models import multitask
from podium.models.multitask import Model
from podium.predict import check

ROWS, TARGET = rows_of_tasks()
ONES = np.ones(len(ROWS))


def saved(model: Any, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    model.save(folder)
    return saved_bytes(folder)


# ---- one task is the plain model


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "loss": {"smoothing": 0.1, "class_weight": "balanced"},
            "accumulate": 2,
            "average": {"method": "ema"},
        },
        {"batch_tokens": 128, "dropout_samples": 2, "r_drop": {"alpha": 1.0}},
        {"adversarial": {"method": "fgm"}, "mixup": {"where": "sentence"}, "pooling": "cls"},
        {"long_texts": "chunks", "max_length": 8, "adversarial": {"method": "awp"}},
    ],
    ids=["plain", "smoothing", "tokens", "fgm", "chunks"],
)
def test_a_model_of_one_task_is_the_single_task_model_bit_for_bit(
    encoder: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    target = np.arange(24) % 3
    rows, weight = rows_of(target, pair=True), np.linspace(0.5, 1.5, 24)
    plain = make_single("transformer", 3, encoder=str(encoder), **changes)
    plain.fit(rows, target, weight)
    joint = make(encoder, sizes=(3,), names=["only"], **changes)
    joint.fit(rows.assign(task=0), target, weight)
    np.testing.assert_array_equal(joint.predict(rows, task=0), plain.predict(rows))
    alone, together = saved(plain, tmp_path / "a"), saved(joint, tmp_path / "b")
    for name in ("encoder/model.safetensors", "head.safetensors"):
        assert together[name] == alone[name]


def test_a_teacher_of_one_task_is_that_of_the_single_task_model(encoder: Path) -> None:
    """Some rows have none; the rows of another task have zeros outside their own classes."""
    target = np.arange(24) % 3
    rows, taught = rows_of(target), np.random.default_rng(0).dirichlet(np.ones(3), 24)
    taught[::4] = 0
    changes: dict[str, Any] = {"distillation": {"weight": 0.6, "temperature": 2.0}, "learning_rate": 1e-3}
    plain = make_single("transformer", 3, encoder=str(encoder), **changes)
    plain.fit(rows, target, np.ones(24), teacher=taught)
    joint = make(encoder, sizes=(3,), names=["only"], **changes)
    joint.fit(rows.assign(task=0), target, np.ones(24), teacher=taught)
    np.testing.assert_array_equal(joint.predict(rows, task=0), plain.predict(rows))
    first, second = make(encoder, **changes), make(encoder, epochs=1, **changes)
    first.fit(ROWS, TARGET, ONES)
    second.fit(ROWS, TARGET, ONES, teacher=first.predict(ROWS))
    assert np.isfinite(second.curve["loss"]).all()


def test_adapters_train_a_joint_model(encoder: Path) -> None:
    pytest.importorskip("peft")
    model = make(encoder, lora={"rank": 2}, mode="queries", epochs=1)
    model.fit(ROWS, TARGET, ONES)
    check(model.predict(ROWS))


# ---- what it learns


@pytest.mark.parametrize("mode", ["heads", "queries", "flat"])
def test_every_mode_learns_both_tasks_and_survives_saving(encoder: Path, tmp_path: Path, mode: str) -> None:
    rates = {"learning_rate": 3e-3, "head_learning_rate": 1e-2, "dropout": 0.0}
    model = make(encoder, mode=mode, epochs=20 if mode == "flat" else 8, **rates)
    model.fit(ROWS, TARGET, ONES)
    other, wanted = rows_of_tasks(seed=5)
    proba = model.predict(other)
    check(proba)
    assert proba.shape == (48, 5)
    assert f1_score(wanted, proba.argmax(axis=1), average="macro") > 0.85
    for task, own in enumerate(model.slices):
        mine = (other["task"] == task).to_numpy()
        alone = model.predict(other[mine].drop(columns="task"), task=task)
        np.testing.assert_allclose(alone, proba[mine][:, own], atol=1e-6)
        assert not np.delete(proba[mine], np.arange(5)[own], axis=1).any()
    model.save(tmp_path)
    loaded = Model.load(tmp_path, device="cpu", threads=1)
    np.testing.assert_allclose(loaded.predict(other), proba, atol=1e-7)
    tokens = multitask.transformer.tokens_of(encoder, other)
    table = tokens.assign(task=other["task"], tokens_b=tokens["tokens_b"].astype(object))
    table["tokens_b"] = table["tokens_b"].where(other["task"] == 1, None)
    np.testing.assert_allclose(model.predict(table), proba, atol=1e-7)


def test_rows_of_one_task_do_not_move_the_head_of_another(encoder: Path) -> None:
    """With frozen layers below, the pair task's slice is the same whatever the other task's labels are."""
    kept = []
    for shift in (0, 1):
        target = np.where(TARGET < 3, (TARGET + shift) % 3, TARGET)
        model = make(encoder, freeze_layers=2, epochs=2, weight_decay=0.0, max_grad_norm=1e9)
        model.fit(ROWS, target, ONES)
        kept.append(model.network.head.output.weight.detach().numpy())
    np.testing.assert_array_equal(kept[0][3:], kept[1][3:])
    assert np.abs(kept[0][:3] - kept[1][:3]).max() > 1e-4


# ---- resumed runs

RUNS: dict[str, dict[str, Any]] = {
    "rows": {"mode": "flat", "sampling": "annealed"},
    "uncertainty": {"mode": "queries", "average": {"method": "ema", "decay": 0.9}},
    "dwa": {"balance": {"interval": 3}, "sampling": "square_root"},
    "dtp": {"r_drop": {"alpha": 1.0}, "accumulate": 2, "dropout_samples": 2},
    "gradnorm": {"adversarial": {"method": "pgd", "from_epoch": 2}, "accumulate": 2},
    "fixed": {
        "stopping": {"share": 0.25, "score": "accuracy", "patience": 1},
        "learning_rate": 3e-3,
        "mixup": {"where": "words"},
        "sampling": "equal",
    },
}


@pytest.mark.parametrize("method", RUNS)
def test_a_killed_run_ends_in_the_same_bytes(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    changes = RUNS[method] | {"epochs": 3, "balance": {"method": method} | RUNS[method].get("balance", {})}
    undisturbed = make(encoder, **changes)
    undisturbed.fit(ROWS, TARGET, ONES)
    with monkeypatch.context() as patch:
        stop_after(patch, 8)
        with pytest.raises(KeyboardInterrupt):
            make(encoder, **changes).fit(ROWS, TARGET, ONES, scratch=tmp_path / "scratch")
    assert (tmp_path / "scratch").is_dir()
    resumed = make(encoder, **changes)
    resumed.fit(ROWS, TARGET, ONES, scratch=tmp_path / "scratch")
    assert saved(resumed, tmp_path / "a") == saved(undisturbed, tmp_path / "b")


def stop_after(patch: pytest.MonkeyPatch, steps: int) -> None:
    """Save a checkpoint after every step, and end as by Ctrl-C after ``steps`` of them."""
    save, done = checkpoints.Checkpoint.save, []

    def stopping(self: checkpoints.Checkpoint, *given: Any) -> None:
        save(self, *given)
        done.append(1)
        if len(done) == steps:
            raise KeyboardInterrupt

    patch.setattr(checkpoints.Checkpoint, "due", lambda self: self._path is not None)
    patch.setattr(checkpoints.Checkpoint, "save", stopping)


# ---- what does nothing in so short a run


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sampling": "annealed", "epochs": 1}, "sampling: annealed begins with shares in proportion"),
        ({"sampling": "annealed", "epochs": 2}, None),
        ({"balance": {"method": "dwa"}, "epochs": 2}, "balance.method: dwa compares two periods"),
        ({"balance": {"method": "dwa"}, "epochs": 2.5}, None),
        ({"balance": {"method": "dwa", "interval": 6}, "epochs": 2}, "balance.method: dwa compares two periods"),
        ({"balance": {"method": "dwa", "interval": 5}, "epochs": 2}, None),
    ],
)  # fmt: skip
def test_what_never_takes_effect_is_told(
    encoder: Path, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], told: str | None
) -> None:
    """48 rows, 8 in a batch: 6 steps an epoch."""
    model = make(encoder, **changes)
    model.fit(ROWS, TARGET, ONES)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [line for line in warnings if told and line.startswith(told)] == warnings
    assert bool(warnings) == (told is not None)
    if "balance" in changes:
        moved = (model.curve[["weight:topic", "weight:pair"]] != 1).any(axis=None)
        assert moved == (told is None)


# ---- each task's own best epoch


def test_each_task_is_predicted_by_the_weights_of_its_best_epoch(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted scores: task 0 is best after epoch 3, task 1 after epoch 1 and stops; runs cut there agree."""
    planted = iter([(0.1, 0.9), (0.2, 0.5), (0.3, 0.4), (0.2, 0.99), (0.1, 0.99)])
    drawn: list[np.ndarray] = []
    order = JointFinetuning._rows_of

    def watch(self: JointFinetuning, epoch: int) -> np.ndarray:
        rows = order(self, epoch)
        drawn.append(np.r_[epoch, np.bincount(ROWS["task"].to_numpy()[rows], minlength=2)])
        return rows

    monkeypatch.setattr(JointFinetuning, "_rows_of", watch)
    monkeypatch.setattr(Model, "_inner_scores", lambda self, data, held: np.array(next(planted)))
    kept: dict[int, dict[str, Any]] = {}
    keep = JointFinetuning._keep

    def copy(self: JointFinetuning, score: np.ndarray, epoch: int, network: Any) -> None:
        kept[epoch] = {name: value.clone() for name, value in self.network.state_dict().items()}
        keep(self, score, epoch, network)

    monkeypatch.setattr(JointFinetuning, "_keep", copy)
    stopping = {"share": 0.25, "patience": 2}
    model = make(encoder, stopping=stopping, epochs=5, learning_rate=1e-3, batch_size=6, schedule="linear")
    model.fit(ROWS, TARGET, ONES)
    counts = {int(row[0]): row[1:].tolist() for row in drawn}
    assert counts[0] == counts[1] == counts[2]
    assert counts[3] == counts[4] == [counts[0][0], 0]  # task 1 stopped after epoch 3 (two without a gain)
    curve = model.curve
    rates = curve.groupby("epoch")["rate"].first().to_numpy()
    whole = len(curve[curve["epoch"] == 0])
    np.testing.assert_allclose(
        rates[3:], model.options.learning_rate * (5 - np.arange(3, 5)) / (5 - 0.1 * 5), rtol=0.1
    )
    assert len(curve) < 5 * whole
    assert model._set_of == [0, 1]
    for index, epoch in ((0, 2), (1, 0)):
        for name, value in kept[epoch].items():
            if "word_embeddings" not in name:
                assert (model._sets[index][name] == value).all(), name
    proba = model.predict(ROWS)
    files = saved(model, tmp_path / "m")
    assert "set1/encoder/model.safetensors" in files
    loaded = Model.load(tmp_path / "m", device="cpu", threads=1)
    np.testing.assert_allclose(loaded.predict(ROWS), proba, atol=1e-7)
    tables = [load_file(tmp_path / "m" / place / "encoder/model.safetensors") for place in (".", "set1")]
    before = load_file(encoder / "model.safetensors")
    assert (
        tables[0]["embeddings.word_embeddings.weight"].shape
        == before["embeddings.word_embeddings.weight"].shape
    )
    with pytest.raises(UserError, match="weights of its own"):
        make(encoder).fit(ROWS, TARGET, ONES, start=tmp_path / "m")


def test_one_best_epoch_for_all_is_one_set_of_weights(encoder: Path, tmp_path: Path) -> None:
    model = make(encoder, stopping={"share": 0.25}, epochs=1)
    model.fit(ROWS, TARGET, ONES)
    assert model._set_of == [0, 0]
    assert not [name for name in saved(model, tmp_path / "m") if name.startswith("set")]
    again = make(encoder, epochs=1)
    again.fit(ROWS, TARGET, ONES, start=tmp_path / "m")
    assert again.network.head.output.weight.shape == (5, 32)


def test_held_out_rows_are_not_trained_on(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of another task in a cluster with a held-out row, neither."""
    cluster = np.arange(len(ROWS)) % 30
    seen: list[Any] = []
    begin = multitask.JointObjective.begin

    def watch(self: Any, batch: np.ndarray, step: int, epoch: int) -> None:
        seen.extend(batch.tolist())
        begin(self, batch, step, epoch)

    held: list[np.ndarray] = []
    scores = Model._inner_scores

    def watched(self: Model, data: Any, rows: np.ndarray) -> np.ndarray:
        held.append(rows)
        return scores(self, data, rows)

    monkeypatch.setattr(multitask.JointObjective, "begin", watch)
    monkeypatch.setattr(Model, "_inner_scores", watched)
    make(encoder, stopping={"share": 0.2}, epochs=1).fit(ROWS.assign(cluster=cluster), TARGET, ONES)
    assert set(ROWS["task"].iloc[held[0]]) == {0, 1}
    assert not set(cluster[held[0]]) & set(cluster[seen])


# ---- what is refused


def test_what_means_nothing_is_refused(encoder: Path) -> None:
    with pytest.raises(UserError, match=r"corn needs classes in one order"):
        make(encoder, mode="flat", loss={"name": "corn"})
    with pytest.raises(UserError, match=r"swa averages the end"):
        make(encoder, stopping={"patience": 1}, average={"method": "swa"})
    with pytest.raises(UserError, match=r"gradnorm needs a top layer"):
        make(encoder, balance={"method": "gradnorm"}, freeze_layers=2).fit(ROWS, TARGET, ONES)
    with pytest.raises(UserError, match=r"task pair has no rows"):
        make(encoder).fit(
            ROWS[ROWS["task"] == 0], TARGET[ROWS["task"] == 0], ONES[: (ROWS["task"] == 0).sum()]
        )
    with pytest.raises(ValueError, match="not among the classes"):
        make(encoder).fit(ROWS, (TARGET + 1) % 5, ONES)
    with pytest.raises(ValueError, match="column `task`"):
        make(encoder).fit(ROWS.drop(columns="task"), TARGET, ONES)

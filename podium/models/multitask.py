"""``multitask``: one encoder fine-tuned for several single-label tasks at once.

The tasks' labels stand side by side: class k of task t is number ``sum(sizes[:t]) + k`` of the union. Training rows of
all tasks are one table with a column ``task``. Shapes: N rows, T tasks, K classes of the union, K_t of one task.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import torch
from torch import nn

from podium.engine.backbones import Backbone
from podium.engine.checkpoint import Checkpoint
from podium.engine.inputs import Batch, Encoded
from podium.engine.losses import Loss, make_loss
from podium.engine.multitask.balance import make_balance
from podium.engine.multitask.forms import compose_forms, full_lengths_of_forms, pairs
from podium.engine.multitask.loop import JointFinetuning
from podium.engine.multitask.losses import JointLoss, owned, slices
from podium.engine.multitask.network import JointNetwork, TaskQueries
from podium.engine.multitask.objective import JointObjective
from podium.engine.multitask.stopping import TaskKeeper, inner_rows
from podium.engine.network import Network
from podium.engine.objective import Rows
from podium.engine.pooling import Pooling, Shape
from podium.engine.targets import inner_score
from podium.engine.template import Template
from podium.errors import UserError
from podium.files import read_json, write_json
from podium.models import transformer
from podium.models.multitask_options import Options, check
from podium.seeds import derive
from podium.targets import type_of

__all__ = ["Model", "Options"]

FACTS = "multitask.json"


class Model(transformer.Model):
    """One encoder for T tasks; ``podium.models.Classifier`` over the union of their classes.

    ``rows`` have ``task`` (N,) int beside ``text_a`` and ``text_b`` (or ``tokens_a`` and ``tokens_b``), which is null
    in a row of a single text. ``classes`` (T) are the tasks' numbers of classes. With ``stopping`` each task is
    predicted by the weights of its own best epoch.

    Modes: ``heads``, a linear layer for each task on what ``pooling`` makes of the shared encoder (hard sharing;
    Caruana 1997, "Multitask Learning"); ``queries``, a learned query for each task that attends to the tokens, then its
    linear layer; ``flat``, one classifier over the classes of all tasks, with a task-type embedding added to every
    token.
    """

    OPTIONS: ClassVar[type[Options]] = Options
    SOURCE = "podium/models/multitask.py"
    options: Options

    def __init__(
        self, options: Options, *, classes: Sequence[int], seed: int, device: str, threads: int
    ) -> None:
        check(options, classes)
        super().__init__(options, classes=sum(classes), seed=seed, device=device, threads=threads)
        self.sizes = list(classes)
        self._sets: list[dict[str, torch.Tensor]] = []  # weights of the distinct best epochs
        self._set_of = [0] * len(classes)
        self._keeper: TaskKeeper | None = None

    @property
    def outputs(self) -> list[int]:
        """What the model was made for: the classes of each task."""
        return self.sizes

    @property
    def slices(self) -> list[slice]:
        """Where the classes of each task stand in the union."""
        return slices(self.sizes)

    def fit(
        self,
        rows: pd.DataFrame,
        target: np.ndarray,
        weight: np.ndarray,
        *,
        scratch: Path | None = None,
        teacher: np.ndarray | None = None,
        soft: np.ndarray | None = None,
        start: Path | None = None,
    ) -> None:
        """Fine-tune on ``rows``, whose ``target`` (N,) are class indices of the union; see ``Classifier.fit``.

        ``teacher`` and ``soft`` (N, K) have zeros outside the row's task, as predictions do. ``rows`` may have
        ``cluster``, numbered across the tasks, ``real``, ``draw`` and ``draws`` (``podium.train.FoldData``).

        Raises
        ------
        UserError
            A task has no row; ``start`` holds several sets of weights.
        ValueError
            A target is not of its row's task.
        """
        task = _task_of(rows)
        if type_of(target) != "single_label":
            raise ValueError("a multitask model is for single-label tasks")
        known = owned(self.sizes)[task, target] if len(target) else np.ones(0)
        if not known.all():
            raise ValueError("a target is not among the classes of its row's task")
        for number, name in enumerate(self.options.tasks):
            if not (task == number).any():
                raise UserError(f"train: task {name} has no rows to train on; use fewer folds or prune less")
        if start is not None and len(set(read_json(start / FACTS)["set_of"])) > 1:
            raise UserError(
                "refit: with stopping each task has weights of its own, and training cannot go on from several; "
                "leave one of the two out"
            )
        super().fit(rows, target, weight, scratch=scratch, teacher=teacher, soft=soft, start=start)
        self._keeper = None

    def predict(self, rows: pd.DataFrame, *, task: int | None = None) -> np.ndarray:
        """Return probabilities (N, K), zero outside the classes of the row's task; those inside sum to 1.

        With ``task`` all rows are of that task, whatever they say, and the result is (N, K_t), its classes alone.
        """
        if task is not None:
            return self.predict(rows.assign(task=task))[:, self.slices[task]]
        number = _task_of(rows)
        encoded = self._encode(rows)
        result = np.zeros((len(rows), self.classes))
        for index in range(max(1, len(self._sets))):
            mine = np.flatnonzero(np.array(self._set_of)[number] == index)
            if len(mine):
                self._use(index)
                result[mine] = self._outputs(encoded, mine)
        return result

    def save(self, folder: Path) -> None:
        """Write the model of ``transformer``; of several sets of weights the others into ``set1``, ``set2``, ..."""
        self._use(0)
        super().save(folder)
        write_json({"sizes": self.sizes, "set_of": self._set_of}, folder / FACTS)
        for index in range(1, len(self._sets)):
            self._use(index)
            (folder / f"set{index}").mkdir()
            self._save_network(folder / f"set{index}")

    @classmethod
    def load(cls, folder: Path, *, device: str, threads: int) -> Self:
        """Read what ``save`` wrote."""
        facts = read_json(folder / FACTS)
        saved = read_json(folder / transformer.FACTS)
        options = cls.OPTIONS(**saved["options"] | {"encoder": str(folder / "encoder"), "lora": None})
        model = cls(options, classes=facts["sizes"], seed=saved["seed"], device=device, threads=threads)
        model.max_length, model._template = saved["max_length"], Template.read(saved["template"])
        model._set_of = facts["set_of"]
        for index in reversed(range(max(model._set_of) + 1)):
            place = folder / f"set{index}" if index else folder
            model._build(place / "encoder", counts=np.ones(model.classes))
            model._read_head(place)
            model.network.to(model.device)
            if max(model._set_of):
                model._sets.insert(0, _copied(model.network.state_dict()))
        return model

    # ---- what the training of one task asks for

    def _encode(self, rows: pd.DataFrame) -> Encoded:
        """Token ids of ``rows``, each in its own form."""
        assert self._template is not None
        table = transformer.tokens_of(Path(self.options.encoder), rows)
        return self._compose(_joined(table, rows), self._template)

    def _encode_training(self, rows: pd.DataFrame) -> Encoded:
        table = transformer.tokens_of(Path(self.options.encoder), rows)
        return super()._encode_training(_joined(table, rows))

    def _full_lengths(self, table: pd.DataFrame, template: Template) -> np.ndarray:
        return full_lengths_of_forms(table, table["pair"].to_numpy(), template)

    def _compose(self, table: pd.DataFrame, template: Template) -> Encoded:
        encoded = compose_forms(
            table, table["pair"].to_numpy(), template, self.options.inputs(), max_length=self.max_length
        )
        return dataclasses.replace(encoded, tasks=_task_of(table))

    def _make_loss(self, counts: np.ndarray) -> Loss:
        options, flat = self.options.losses(), self.options.mode == "flat"
        parts = [counts] if flat else [counts[own] for own in self.slices]
        losses = [
            make_loss(options, type=self.type, classes=len(part), counts=part if part.any() else part + 1)
            for part in parts
        ]
        return JointLoss(losses, self.sizes, flat=flat)

    def _make_pooling(self, backbone: Backbone) -> Pooling:
        if self.options.mode != "queries":
            return super()._make_pooling(backbone)
        config = backbone.encoder.config
        shape = Shape(
            hidden=backbone.hidden,
            heads=int(config.num_attention_heads),
            layers=backbone.layers,
            dropout=self.options.dropout,
        )
        return TaskQueries(shape, len(self.sizes))

    def _network_type(self) -> Callable[..., Network]:
        return functools.partial(JointNetwork, tasks=len(self.sizes), typed=self.options.mode == "flat")

    def _train(
        self,
        data: Rows,
        rows: pd.DataFrame,
        target: np.ndarray,
        fresh: frozenset[str],
        scratch: Path | None,
    ) -> None:
        recipe, names, task = self.options.recipe(), self.options.tasks, data.encoded.tasks
        assert task is not None
        assert isinstance(self._loss, JointLoss)
        trained, held = np.arange(len(rows)), np.zeros(0, dtype=np.int64)
        if recipe.stopping is not None:
            trained, held = self._inner_rows(rows, task, target, recipe.stopping.share)
        balance = make_balance(self.options.balancing(), tasks=names, sizes=self.sizes, device=self.device)
        if balance.parameter is not None:
            self.network.register_parameter("balance", balance.parameter)
        place = nn.functional.one_hot(torch.from_numpy(task), len(names)).to(data.weight)
        data = dataclasses.replace(data, weight=data.weight.unsqueeze(1) * place)
        objective = JointObjective(
            *(self.network, self._loss, data, recipe),
            balance=balance,
            names=names,
            sizes=self.sizes,
            embedding=self.network.encoder.get_input_embeddings(),  # type: ignore[operator]
            pooled=self.network.pooled,
            multiple=1 if self.device.type == "cpu" else 8,
        )
        checkpoint = Checkpoint(scratch, self._fingerprint(data, trained, held))
        finetuning = JointFinetuning(
            *(self.network, objective, recipe, trained),
            sampling=self.options.sampling,
            names=names,
            seed=self.seed,
            checkpoint=checkpoint,
            evaluate=(lambda: self._inner_scores(data, held)) if len(held) else None,
            fresh=fresh,
            team=self.team,
        )
        self.curve, self.told = finetuning.run(), finetuning.table()
        self.shortages = finetuning.allowance.facts()
        self._keeper = finetuning.best
        if balance.parameter is not None:
            del self.network.balance

    def _inner_rows(
        self, rows: pd.DataFrame, task: np.ndarray, target: np.ndarray, share: float
    ) -> tuple[np.ndarray, np.ndarray]:
        count, names = len(rows), self.options.tasks
        return inner_rows(
            task,
            rows["cluster"].to_numpy() if "cluster" in rows.columns else np.arange(count),
            rows["real"].to_numpy(dtype=bool) if "real" in rows.columns else np.ones(count, dtype=bool),
            target,
            names=names,
            share=share,
            seeds=[derive(self.seed, "stopping", number) for number in range(len(names))],
        )

    def _inner_scores(self, data: Rows, held: np.ndarray) -> np.ndarray:
        """Score of each task (T,) on the rows that are held out."""
        assert self.options.stopping is not None
        task = data.encoded.tasks
        assert task is not None
        predicted = self._outputs(data.encoded, held)
        kept = torch.from_numpy(held).to(self.device)
        truth, weight = data.target[kept].cpu().numpy(), data.weight[kept].sum(dim=1).cpu().numpy()
        scores = []
        for number, own in enumerate(self.slices):
            mine = task[held] == number
            kind = self.options.stopping["score"]
            scores.append(inner_score(kind, self.type, predicted[mine, own], truth[mine, own], weight[mine]))
        return np.array(scores)

    def _proba(self, batch: Batch) -> torch.Tensor:
        assert batch.tasks is not None
        own = torch.from_numpy(owned(self.sizes)).to(self.device)
        return super()._proba(batch) * own[batch.tasks]

    def _grow(self, table: nn.Embedding, used: np.ndarray | None) -> None:
        """Put the table of words back, into the weights of each task's best epoch, too."""
        keeper, small = self._keeper, self.network.encoder.get_input_embeddings()  # type: ignore[operator]
        if keeper is None:
            super()._grow(table, used)
            return
        epochs = sorted(keeper.sets)
        self._set_of = [epochs.index(int(epoch)) for epoch in keeper.epoch]
        first = self._set_of[0]
        epochs.insert(0, epochs.pop(first))  # the first task's weights are those of the model's own folder
        self._set_of = [epochs.index(int(epoch)) for epoch in keeper.epoch]
        (name,) = (key for key, module in self.network.named_modules() if module is small)
        self._sets = []
        for epoch in epochs:
            weights = {key: tensor for key, tensor in keeper.sets[epoch].items() if key != "balance"}
            if used is not None:
                whole = table.weight.detach().cpu().clone()
                whole[torch.from_numpy(used)] = weights[f"{name}.weight"]
                weights[f"{name}.weight"] = whole
            self._sets.append(weights)
        super()._grow(table, used)
        self.network.load_state_dict(self._sets[0])
        if len(self._sets) == 1:
            self._sets = []

    def _use(self, index: int) -> None:
        """Load one of the sets of weights into the network; nothing where there is but one."""
        if self._sets:
            self.network.load_state_dict(self._sets[index])


def _task_of(rows: pd.DataFrame) -> np.ndarray:
    if "task" not in rows.columns:
        raise ValueError("rows of several tasks need a column `task`")
    return rows["task"].to_numpy(dtype=np.int64, copy=True)


def _joined(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Token ids with the form and the task of each row."""
    return table.assign(pair=pairs(rows), task=_task_of(rows))


def _copied(state: dict[str, Any]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in state.items()}

"""The loss of a part of a batch and its gradient, with the tricks that change inputs, targets or passes.

Shapes: N training rows, B rows of a part, K classes or values, V token ids.
"""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from torch import nn

from podium.engine.adversarial import make_adversary
from podium.engine.divergences import distillation, r_drop
from podium.engine.head import average_samples
from podium.engine.inputs import Batch, Encoded
from podium.engine.links import Link
from podium.engine.losses import Loss
from podium.engine.mixing import Mixture, Mixup, drop_words, special_table
from podium.engine.recipe import Recipe


@dataclasses.dataclass(frozen=True, slots=True)
class Rows:
    """What a run trains on.

    ``target`` (N, K) float and ``weight`` (N,) are on the device; ``teacher`` (N, K) are another model's probabilities,
    a row of zeros where it has none. ``turns`` (N, 2) int, draw and draws: row i is trained on in the epochs e with
    e mod draws[i] = draw[i]; None: in all of them. ``ids`` (N,) are for messages.
    """

    encoded: Encoded
    target: torch.Tensor
    weight: torch.Tensor
    teacher: torch.Tensor | None = None
    turns: np.ndarray | None = None
    ids: np.ndarray | None = None

    def parts(self) -> Iterator[torch.Tensor | bytes]:
        """Yield everything that makes these rows and no others, for a fingerprint."""
        encoded = self.encoded
        yield from (encoded.tokens.tobytes(), encoded.offsets.tobytes(), encoded.row_of.tobytes())
        yield from (b"" if encoded.types is None else encoded.types.tobytes(), self.target, self.weight)
        if self.teacher is not None:
            yield self.teacher
        for more in (encoded.tasks, encoded.marks):
            if more is not None:
                yield more.tobytes()
        if self.turns is not None:
            yield self.turns.tobytes()


def ids_of(rows: pd.DataFrame) -> np.ndarray | None:
    """Return ``Rows.ids`` of a fold's training rows."""
    return rows["id"].to_numpy(dtype=object) if "id" in rows.columns else None


def turns_of(rows: pd.DataFrame) -> np.ndarray | None:
    """Return ``Rows.turns`` of a fold's training rows; None where every row is trained on in every epoch."""
    if "draws" not in rows.columns or (rows["draws"] == 1).all():
        return None
    return rows[["draw", "draws"]].to_numpy()


@dataclasses.dataclass(frozen=True, slots=True)
class Teacher:
    """Another model's probabilities ``proba`` (B, K), and how far each row has any: ``known`` (B,), 0 to 1."""

    proba: torch.Tensor
    known: torch.Tensor

    def mixed(self, mixture: Mixture, link: Link) -> "Teacher":
        """The rows of a mixed batch. Of distributions that sum to 1 the divergence itself restores the sum."""
        proba, known = mixture.rows(self.proba), mixture.rows(self.known)
        if link == "sigmoid":
            proba = proba / known.clamp(min=torch.finfo(known.dtype).tiny).unsqueeze(-1)
        return Teacher(proba, known)


class Objective:
    """Computes gradients of ``network`` on parts of batches; nothing here outlives a step.

    ``network`` takes a ``Batch`` and returns logits (B, outputs), or (M, B, outputs) of several dropout samples;
    ``embedding`` is its table of words (or several whose outputs are added, the one that trains first), and the output
    of its module ``pooled`` (B, D) is what its head reads. Batches are padded to a ``multiple``.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: Loss,
        rows: Rows,
        recipe: Recipe,
        *,
        embedding: nn.Embedding | Sequence[nn.Embedding],
        pooled: nn.Module,
        multiple: int,
    ) -> None:
        self.network, self.loss, self.rows, self.recipe = network, loss, rows, recipe
        self.device, self.multiple = rows.target.device, multiple
        tables = [embedding] if isinstance(embedding, nn.Embedding) else list(embedding)
        self._mixup = None
        if recipe.mixup is not None:
            self._mixup = Mixup(recipe.mixup, *(tables if recipe.mixup.where == "words" else [pooled]))
        # Its hook must come after: what is moved, and by how much, is the mixed row
        self._adversary = (
            None if recipe.adversarial is None else make_adversary(recipe.adversarial, network, tables[0])
        )
        template = rows.encoded.template
        self._special = special_table(template.ids, tables[0].num_embeddings).to(self.device)
        self._replacement = next(
            code for code in (template.mask, template.unk, template.pad) if code is not None
        )

    def begin(self, batch: np.ndarray, step: int, epoch: int) -> None:
        """Tell that ``step`` begins, over the rows ``batch`` (B,), whose parts come next."""

    def figures(self) -> list[torch.Tensor]:
        """Return what else is a sum over the batch's rows; it is added up in place where others have some of them."""
        return []

    def end(self) -> dict[str, torch.Tensor]:
        """Tell that the gradient of the batch is whole; return what else the curve should hold of the step, scalars."""
        return {}

    def accumulate(self, part: np.ndarray, denominator: float, epoch: int) -> torch.Tensor:
        """Add the gradient of the rows ``part`` (B,), their loss summed and divided by ``denominator``; return it."""
        index = torch.from_numpy(part).to(self.device, non_blocking=True)
        batch = self.rows.encoded.batch(part, self.device, multiple=self.multiple)
        mask = batch.inputs["attention_mask"]
        batch = self._hidden_words(batch, epoch)
        target, weight = self.rows.target[index], self.rows.weight[index]
        teacher = self._teacher(index, epoch)
        with contextlib.ExitStack() as stack:
            if self._mixup is not None and self.recipe.active("mixup", epoch):
                mixture = self._mixup.draw(len(part), self.device, batch.tasks)
                target, weight = mixture.rows(target), mixture.rows(weight)
                teacher = None if teacher is None else teacher.mixed(mixture, self.loss.link)
                united = self._mixup.mask(mixture, mask)
                stack.enter_context(self._mixup.applied(mixture, mask))
                batch = dataclasses.replace(batch, inputs={**batch.inputs, "attention_mask": united})

            def loss_of() -> torch.Tensor:
                return self._combined(self._loss(batch, target, weight, teacher, epoch), denominator)

            if self._adversary is not None and self.recipe.active("adversarial", epoch):
                return self._adversary.accumulate(loss_of, mask=batch.inputs["attention_mask"])
            loss = loss_of()
            loss.backward()
            return loss.detach()

    @torch.no_grad()
    def alone(self, row: int, epoch: int) -> float:
        """The loss of a single row with the weights as they are: nothing is mixed, hidden, moved or learned."""
        part = np.array([row])
        index = torch.from_numpy(part).to(self.device)
        batch = self.rows.encoded.batch(part, self.device, multiple=self.multiple)
        target, weight = self.rows.target[index], self.rows.weight[index]
        return float(self._loss(batch, target, weight, self._teacher(index, epoch), epoch).sum())

    def _combined(self, loss: torch.Tensor, denominator: float) -> torch.Tensor:
        """Make the number whose gradient is taken of what ``_loss`` returned."""
        return loss / denominator

    def _hidden_words(self, batch: Batch, epoch: int) -> Batch:
        if self.recipe.word_dropout is None or not self.recipe.active("word_dropout", epoch):
            return batch
        ids = drop_words(
            *(batch.inputs["input_ids"], self._special, self.recipe.word_dropout),
            replacement=self._replacement,
        )
        return dataclasses.replace(batch, inputs={**batch.inputs, "input_ids": ids})

    def _teacher(self, index: torch.Tensor, epoch: int) -> Teacher | None:
        if self.rows.teacher is None or not self.recipe.active("distillation", epoch):
            return None
        proba = self.rows.teacher[index]
        if self.loss.link == "sigmoid":  # probabilities of labels have no sum that they must have
            return Teacher(proba, proba.any(dim=-1).to(proba.dtype))
        return Teacher(proba, proba.sum(dim=-1).clamp(max=1))

    def _loss(
        self,
        batch: Batch,
        target: torch.Tensor,
        weight: torch.Tensor,
        teacher: Teacher | None,
        epoch: int,
    ) -> torch.Tensor:
        """Sum over the rows of the losses of one forward pass, or of the two of R-Drop."""

        def of(logits: torch.Tensor) -> torch.Tensor:
            return average_samples(lambda sample: self._labels(sample, target, weight, teacher), logits)

        first = self.network(batch)
        if self.recipe.r_drop is None or not self.recipe.active("r_drop", epoch):
            return of(first)
        second = self.network(batch)
        return of(first) + of(second) + self.recipe.r_drop * self._divergence(first, second, weight)

    def _labels(
        self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, teacher: Teacher | None
    ) -> torch.Tensor:
        if teacher is None:
            return self.loss(logits, target, weight)
        assert self.recipe.distillation is not None
        share, temperature = self.recipe.distillation.weight, self.recipe.distillation.temperature
        known = weight * teacher.known  # rows without a teacher learn from their label alone
        labels = self.loss(logits, target, weight - share * known)
        return labels + share * distillation(logits, teacher.proba, known, temperature, link=self.loss.link)

    def _divergence(self, first: torch.Tensor, second: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        if first.ndim == 2:
            return r_drop(first, second, weight, link=self.loss.link)
        pairs = zip(first, second, strict=True)
        return torch.stack([r_drop(a, b, weight, link=self.loss.link) for a, b in pairs]).mean()

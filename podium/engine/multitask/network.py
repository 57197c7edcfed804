"""The network of several tasks: queries of their own, or embeddings that tell the encoder the task.

Shapes: B rows of a batch, S their sequences, L tokens, D hidden size, E width of a word embedding, H heads, T tasks.
"""

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from podium.engine.inputs import Batch
from podium.engine.network import Network
from podium.engine.pooling import STD, Shape, TaskQuery, real, token_softmax
from podium.engine.states import States


class JointNetwork(Network):
    """A network whose batches tell the task of each row.

    ``task_types``, where it is a module, is a table (T, E) of task-type embeddings, added to the word embeddings of
    every token: the encoder reads which task a text belongs to, as it reads segments (the flattened one-classifier
    entry of the Tianchi "Chinese pretrained model generalisation" competition). It begins normal with std 0.02, as
    BERT's own embeddings do.
    """

    def __init__(self, *args: Any, tasks: int, typed: bool, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.tasks = tasks
        self.task_types: nn.Embedding | None = None
        if typed:
            width = self.encoder.get_input_embeddings().embedding_dim  # type: ignore[operator]
            self.task_types = nn.Embedding(tasks, width)
            nn.init.normal_(self.task_types.weight, std=STD)

    def _states(self, batch: Batch) -> States:
        assert batch.tasks is not None
        task_S = batch.tasks if batch.rows is None else batch.tasks[batch.rows]
        # Products with ones and zeros: the gradient of an index would be summed in no fixed order on a GPU
        task_ST = nn.functional.one_hot(task_S, self.tasks).float()
        with self._typed(task_ST):
            return dataclasses.replace(super()._states(batch), tasks=task_ST)

    @contextlib.contextmanager
    def _typed(self, task_ST: torch.Tensor) -> Iterator[None]:
        """Add the task types to the output of the table of words, which training and prediction exchange."""
        if self.task_types is None:
            yield
            return
        kind_SE = (task_ST.unsqueeze(-1) * self.task_types.weight).sum(dim=1)

        def typed(module: nn.Module, inputs: Any, words_SLE: torch.Tensor) -> torch.Tensor:
            return words_SLE + kind_SE.unsqueeze(1).to(words_SLE.dtype)

        table: nn.Module = self.encoder.get_input_embeddings()  # type: ignore[operator]
        handle = table.register_forward_hook(typed)
        try:
            yield
        finally:
            handle.remove()


class TaskQueries(TaskQuery):
    """``podium.engine.pooling.TaskQuery`` with one learned query for each of T tasks; keys and values are shared."""

    def __init__(self, shape: Shape, tasks: int) -> None:
        super().__init__(shape)
        self.query = nn.Parameter(torch.empty(tasks, shape.hidden))
        nn.init.normal_(self.query, std=STD)

    def _pool(self, states: States) -> torch.Tensor:
        assert states.tasks is not None
        top_SLD = real(states, self.query.dtype)
        width = self.size // self.heads
        key_HdD = self.key.weight.view(self.heads, width, self.size)
        value_HdD = self.value.weight.view(self.heads, width, self.size)
        with torch.autocast(top_SLD.device.type, enabled=False):
            asked_THD = torch.einsum("thd,hdD->thD", self.query.view(-1, self.heads, width), key_HdD)
            asked_SHD = (states.tasks.to(asked_THD.dtype) @ asked_THD.flatten(1)).view(
                -1, self.heads, self.size
            )
            scores_SHL = asked_SHD @ top_SLD.transpose(1, 2) / math.sqrt(width)
            shares_SHL = token_softmax(scores_SHL, states.mask.unsqueeze(1)).to(top_SLD.dtype)
            mixed_Shd = torch.einsum("shD,hdD->shd", shares_SHL @ top_SLD, value_HdD)
            return self.output(mixed_Shd.flatten(1) + self.value.bias)

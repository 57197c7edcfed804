"""Encoder, pooling over tokens, pooling over chunks, dropout and output layer: one network.

Shapes: B rows of a batch, S their sequences, L tokens, K outputs, M dropout samples.
"""

import contextlib
from typing import Any

import torch
from torch import nn

from podium.engine.bert import FastBert, supports
from podium.engine.chunks import ChunkPooling
from podium.engine.head import Head
from podium.engine.inputs import Batch
from podium.engine.pooling import Pooling
from podium.engine.states import States


class Network(nn.Module):
    """``encoder``, ``pooling``, ``chunks`` (where a row may be several sequences), ``head``.

    ``dtype`` is what the encoder computes in (bf16 or fp32); parameters are fp32. ``fast`` lets ``podium.engine.bert``
    run the encoders that it knows; others, and those on a GPU, run as transformers has them, under autocast.
    """

    def __init__(
        self,
        encoder: nn.Module,
        pooling: Pooling,
        chunks: ChunkPooling | None,
        head: Head,
        *,
        dtype: torch.dtype,
        fast: bool,
    ) -> None:
        super().__init__()
        self.encoder, self.pooling, self.chunks, self.head = encoder, pooling, chunks, head
        self.pooled = nn.Identity()  # where a row's vector can be changed before the head sees it
        self.dtype = dtype
        self._fast = FastBert(encoder) if fast and supports(encoder) else None
        config: Any = encoder.config
        self._masked = supports(encoder) and config._attn_implementation == "sdpa"

    def speed_up(self) -> None:
        """Take the fast way through the encoder, which has lost its adapters."""
        self._fast = FastBert(self.encoder) if supports(self.encoder) else None

    def forward(self, batch: Batch) -> torch.Tensor:
        """Return logits: (B, K), or (M, B, K) in training with several dropout samples."""
        pooled = self.pooling(self._states(batch))
        if self.chunks is not None and batch.rows is not None:
            pooled = self.chunks(pooled, batch.rows, batch.size)
        logits: torch.Tensor = self.head(self.pooled(pooled))
        return logits

    def _states(self, batch: Batch) -> States:
        ids, mask = batch.inputs["input_ids"], batch.inputs["attention_mask"]
        pooling = self.pooling
        if self._fast is not None and ids.device.type == "cpu":
            return self._fast(
                *(ids, None if batch.full else mask, batch.inputs.get("token_type_ids")),
                dtype=self.dtype,
                layers=pooling.layers,
                first_only=pooling.first_only,
                pooler=pooling.reads_pooler,
            )
        with self._autocast(ids.device.type):
            output: Any = self.encoder(**self._inputs(batch), output_hidden_states=pooling.layers != 1)
        top = (output.last_hidden_state,)
        if pooling.layers != 1:
            every = output.hidden_states
            top = every if pooling.layers == -1 else every[len(every) - pooling.layers :]
        pooler = output.pooler_output if pooling.reads_pooler else None
        return States(layers=tuple(top), mask=mask > 0, pooler=pooler)

    def _inputs(self, batch: Batch) -> dict[str, torch.Tensor | None]:
        """What the encoder's own forward pass is given.

        Its mask for the fused attention is made here, where it is known on the host whether there is padding:
        transformers would ask the device, and wait for the answer in every pass. The masks are the same.
        """
        if not self._masked:
            return {**batch.inputs}
        mask_SL = batch.inputs["attention_mask"]
        ready = None if batch.full else (mask_SL > 0)[:, None, None].expand(-1, -1, mask_SL.shape[1], -1)
        return {**batch.inputs, "attention_mask": ready}

    def _autocast(self, device: str) -> contextlib.AbstractContextManager[Any]:
        return torch.autocast(device, dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16)

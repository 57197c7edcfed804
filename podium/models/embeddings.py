"""Vectors of texts from a frozen encoder, as features for models that do not train it.

Shapes: N rows, D width of the encoder's states.
"""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from podium import tokens
from podium.engine.backbones import check_ids, open_backbone
from podium.engine.inputs import InputOptions, compose
from podium.engine.network import Network
from podium.engine.pooling import PoolingOptions, make_pooling
from podium.engine.precision import compute_dtype
from podium.engine.shortage import in_batches
from podium.engine.template import Template
from podium.models.words import segments

BUDGET = 8192  # tokens of a batch, padding counted


def embed(
    folder: Path, rows: pd.DataFrame, *, max_length: int, precision: str, device: torch.device
) -> np.ndarray:
    """Return the mean of the encoder's last states over the tokens of each text (N, D), float32.

    Of a pair it is u, v, |u - v| and u * v of the texts' own means u and v (N, 4 D), the features of Conneau et al.
    2017 (arXiv 1705.02364, section 3.1). Nothing is fitted. Batches hold texts of similar length, in bf16 where
    ``precision`` is ``bf16``, or ``auto`` and the device multiplies it in hardware.

    Raises ``UserError`` when the folder holds no encoder with its tokenizer.
    """
    pooled = _Pooled(folder, max_length=max_length, precision=precision, device=device)
    means = [pooled.of(rows[name]) for name in segments(rows)]
    if len(means) == 2:
        first, second = means
        means += [np.abs(first - second), first * second]
    return np.hstack(means)


def copy_encoder(source: Path, target: Path) -> None:
    """Copy what ``embed`` reads of the folder ``source`` into ``target``, which is made."""
    target.mkdir(parents=True, exist_ok=True)
    for path in [source / "config.json", *sorted(source.glob("*.safetensors*"))]:
        if path.is_file():
            shutil.copyfile(path, target / path.name)
    tokens.copy_tokenizer(source, target)


class _Pooled:
    """An opened encoder under mean pooling, with nothing on top."""

    def __init__(self, folder: Path, *, max_length: int, precision: str, device: torch.device) -> None:
        self.folder, self.max_length, self.device = folder, max_length, device
        backbone = open_backbone(
            folder,
            dropout=0.0,
            attention_dropout=0.0,
            max_length=max_length,
            device_type=device.type,
            attention="auto",
            gradient_checkpointing=False,
            allow_missing=(),
            allow_unexpected=(),
        )
        self.backbone = backbone
        pooling = make_pooling(
            PoolingOptions(name="mean", dropout=0.0),
            hidden=backbone.hidden,
            heads=1,
            layers=backbone.layers,
            has_pooler=False,
        )
        head: Any = torch.nn.Identity()
        self.network = Network(
            backbone.encoder,
            pooling,
            None,
            head,
            dtype=compute_dtype(precision, device.type),
            fast=True,
        ).to(device)
        self.network.eval()
        self.template = Template.of(tokens.open_tokenizer(folder))

    def of(self, texts: "pd.Series[str]") -> np.ndarray:
        ids = pd.Series(range(len(texts)), dtype="str")
        table = tokens.tokenise(self.folder, pd.DataFrame({"id": ids, "text_a": texts.to_numpy()}))
        encoded = compose(table, self.template, _WHOLE, max_length=self.max_length)
        check_ids(int(encoded.tokens.max(initial=0)), self.backbone.encoder, self.folder)
        result = np.zeros((len(texts), self.backbone.hidden), dtype=np.float32)
        with torch.inference_mode():
            for places, vectors in in_batches(
                lambda some: self.network(encoded.batch(some, self.device, multiple=1)).float().cpu().numpy(),
                *(encoded.widths, BUDGET),
            ):
                result[places] = vectors
        return result


_WHOLE = InputOptions(
    max_length="auto",  # not read
    max_cut=0.0,
    truncation="head",
    head_share=1.0,
    long_texts="cut",
    max_chunks=1,
    chunk_overlap=0,
)

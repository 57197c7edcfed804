"""How near in meaning a made text is to its source, by the states of a frozen encoder."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from podium.errors import UserError
from podium.models.embeddings import embed


def cosines(
    made: pd.Series, sources: pd.Series, *, encoder: Path, max_length: int, device: str
) -> np.ndarray:
    """Cosine of the mean states of each made text and its source (N,), in fp32; equal texts are encoded once.

    Raises ``UserError`` where the folder holds no encoder, or one that reads fewer than ``max_length`` tokens.
    """
    codes, texts = pd.factorize(np.concatenate([made.to_numpy(dtype=object), sources.to_numpy(dtype=object)]))
    if not len(texts):
        return np.zeros(0)
    rows = pd.DataFrame({"text_a": pd.Series(texts, dtype="str")})
    try:
        vectors = embed(
            encoder, rows, max_length=max_length, precision="fp32", device=torch.device(device)
        ).astype(np.float64)
    except UserError as error:
        raise UserError(f"filter.encoder: {str(error).removeprefix('transformer: ')}") from error
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return np.asarray((vectors[codes[: len(made)]] * vectors[codes[len(made) :]]).sum(axis=1))

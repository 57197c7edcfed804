"""Token ids of a table, encoded once, and the batches made of them."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import torch

WINDOW = 16  # batches that are sorted by length together


@dataclasses.dataclass(frozen=True, slots=True)
class Encoded:
    """Ragged token arrays of N rows: ``fields`` maps an input name to one id array a row."""

    fields: dict[str, list[np.ndarray]]
    padding: dict[str, int]
    lengths: np.ndarray
    share_full: float

    def batch(self, rows: np.ndarray, device: torch.device) -> dict[str, torch.Tensor]:
        """Return the padded inputs (B, L) of ``rows`` (B,), L the longest of them."""
        longest = int(self.lengths[rows].max())
        inputs = {}
        for name, values in self.fields.items():
            padded = np.full((len(rows), longest), self.padding[name], dtype=np.int64)
            for position, row in enumerate(rows):
                padded[position, : self.lengths[row]] = values[row]
            inputs[name] = torch.from_numpy(padded)
        mask = np.arange(longest) < self.lengths[rows][:, None]
        inputs["attention_mask"] = torch.from_numpy(mask.astype(np.int64))
        return {name: tensor.to(device, non_blocking=True) for name, tensor in inputs.items()}


def encode(tokenizer: Any, rows: pd.DataFrame, max_length: int) -> Encoded:
    """Tokenise ``text_a`` (and ``text_b``), the longest segment cut first beyond ``max_length`` tokens."""
    first = rows["text_a"].tolist()
    second = rows["text_b"].tolist() if "text_b" in rows.columns else None
    output = tokenizer(
        first,
        second,
        truncation="longest_first",
        max_length=max_length,
        add_special_tokens=True,
        return_attention_mask=False,
        return_overflowing_tokens=False,
    )
    fields = {"input_ids": [np.asarray(ids, dtype=np.int32) for ids in output["input_ids"]]}
    if second is not None and "token_type_ids" in output:
        fields["token_type_ids"] = [np.asarray(ids, dtype=np.int8) for ids in output["token_type_ids"]]
    lengths = np.array([len(ids) for ids in fields["input_ids"]], dtype=np.int64)
    padding = {"input_ids": int(tokenizer.pad_token_id or 0), "token_type_ids": 0}
    full = lengths == max_length
    share_full = float(full.mean()) if len(full) else 0.0
    return Encoded(fields=fields, padding=padding, lengths=lengths, share_full=share_full)


def epoch_batches(lengths: np.ndarray, size: int, generator: np.random.Generator) -> list[np.ndarray]:
    """Random batches of ``size`` rows of similar length; every row (N) once, the order of batches random.

    Rows are shuffled, cut into windows of ``WINDOW`` batches and sorted by length inside a window: little
    padding, and each batch is still a random draw of its window.
    """
    order = generator.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), size * WINDOW):
        window = order[start : start + size * WINDOW]
        window = window[np.argsort(lengths[window], kind="stable")]
        batches += [window[i : i + size] for i in range(0, len(window), size)]
    return [batches[i] for i in generator.permutation(len(batches))]


def length_batches(lengths: np.ndarray, budget: int) -> list[np.ndarray]:
    """Batches of rows sorted by length with at most ``budget`` padded tokens each (one row at least)."""
    batches: list[np.ndarray] = []
    order = np.argsort(lengths, kind="stable")[::-1]
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, int(lengths[order[start]])))
        batches.append(order[start : start + size])
        start += size
    return batches

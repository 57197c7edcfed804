"""Masked language models: an encoder with a head that guesses the hidden tokens, and their sums of losses.

Shapes: B sequences, L tokens, M masked tokens, D width of the states, V vocabulary.
"""

import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from torch import nn
from torch.nn import functional as F
from transformers import AutoModel, AutoModelForMaskedLM

from podium.engine import backbones
from podium.engine.bert import FastBert, supports
from podium.errors import UserError
from podium.pretrain.blocks import Padded
from podium.pretrain.masking import Masked

HEADS: dict[str, Callable[[Any, torch.Tensor], torch.Tensor]] = {
    **dict.fromkeys(("bert", "deberta", "deberta-v2"), lambda model, states: model.cls(states)),
    **dict.fromkeys(("roberta", "xlm-roberta", "camembert"), lambda model, states: model.lm_head(states)),
    "electra": lambda model, states: model.generator_lm_head(model.generator_predictions(states)),
    "distilbert": lambda model, states: model.vocab_projector(
        model.vocab_layer_norm(model.activation(model.vocab_transform(states)))
    ),
    "modernbert": lambda model, states: model.decoder(model.head(states)),
}
"""Heads that can be given some of the states; other networks compute the logits of every token."""


@dataclasses.dataclass(frozen=True, slots=True)
class Inputs:
    """A batch, or a part of one, on the device.

    ``ids`` (B, L) have tokens hidden at ``places`` (M,), counted over the flattened batch; ``labels`` (M,) stood there.
    ``real`` (B, L) is 1 where there is no padding, None where there is none at all. ``types`` (B, L), or None.
    """

    ids: torch.Tensor
    real: torch.Tensor | None
    types: torch.Tensor | None
    places: torch.Tensor
    labels: torch.Tensor

    @classmethod
    def of(cls, batch: Padded, masked: Masked, rows: slice, device: torch.device) -> "Inputs":
        """Take the sequences ``rows`` of a batch."""
        width = batch.ids.shape[1]
        first, end = rows.start * width, rows.stop * width
        low, high = np.searchsorted(masked.places, [first, end])
        real = batch.real[rows]

        def sent(array: np.ndarray) -> torch.Tensor:
            tensor = torch.from_numpy(np.ascontiguousarray(array)).long()
            return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor

        return cls(
            sent(masked.ids[rows]),
            None if real.all() else sent(real),
            None if batch.types is None else sent(batch.types[rows]),
            sent(masked.places[low:high] - first),
            sent(masked.labels[low:high]),
        )

    def named(self) -> dict[str, torch.Tensor]:
        """The inputs as networks of transformers take them."""
        real = torch.ones_like(self.ids) if self.real is None else self.real
        found = {"input_ids": self.ids, "attention_mask": real}
        return found if self.types is None else {**found, "token_type_ids": self.types}


@dataclasses.dataclass(frozen=True, slots=True)
class Sums:
    """Sums over a part of a batch, scalars on the device.

    ``masked`` is the cross-entropy of the masked tokens and ``right`` how many of them had the most likely token;
    ``detected`` and ``found`` the same of all tokens for the detection of replaced ones, None where there is none.
    """

    masked: torch.Tensor
    right: torch.Tensor
    detected: torch.Tensor | None = None
    found: torch.Tensor | None = None


class MaskedLm(nn.Module):
    """A masked language model of transformers; ``encoder`` is its part without the head.

    ``dtype`` is what it computes in (bf16 or fp32), over fp32 parameters. ``fast`` lets ``podium.engine.bert`` run the
    encoders that it knows on a CPU.
    """

    def __init__(self, model: Any, *, dtype: torch.dtype, fast: bool) -> None:
        super().__init__()
        self.model, self.dtype = model, dtype
        self._fast = FastBert(model.base_model) if fast and supports(model.base_model) else None

    @property
    def encoder(self) -> Any:
        """The encoder."""
        return self.model.base_model

    def logits(self, inputs: Inputs) -> torch.Tensor:
        """Logits (M, V) of the masked tokens, float32."""
        head = HEADS.get(self.model.config.model_type)
        with autocast(inputs.ids.device.type, self.dtype):
            if head is None:
                every = self.model(**inputs.named()).logits
                return every.reshape(-1, every.shape[-1])[inputs.places].float()
            states = encode(self.encoder, self._fast, inputs, self.dtype)
            return head(self.model, states.reshape(-1, states.shape[-1])[inputs.places]).float()

    def forward(self, inputs: Inputs) -> Sums:
        """Return the sums of a part of a batch."""
        logits = self.logits(inputs)
        loss = F.cross_entropy(logits, inputs.labels, reduction="sum")
        return Sums(loss, (logits.argmax(dim=1) == inputs.labels).sum())

    def save(self, folder: Path, source: Path) -> None:
        """Write the network into ``folder``, with the pooler that the folder ``source`` has and no step changed."""
        self.model.save_pretrained(folder, state_dict=self.model.state_dict() | _pooler(source, self.model))


def encode(encoder: Any, fast: FastBert | None, inputs: Inputs, dtype: torch.dtype) -> torch.Tensor:
    """The top states (B, L, D) of a batch."""
    if fast is not None and inputs.ids.device.type == "cpu":
        with torch.autocast("cpu", enabled=False):
            states = fast(
                *(inputs.ids, inputs.real, inputs.types),
                dtype=dtype,
                layers=1,
                first_only=False,
                pooler=False,
            )
        return states.layers[-1]
    states_BLD: torch.Tensor = encoder(**inputs.named()).last_hidden_state
    return states_BLD


def autocast(device: str, dtype: torch.dtype) -> contextlib.AbstractContextManager[Any]:
    """Mixed precision where ``dtype`` is bf16."""
    return torch.autocast(device, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a network is opened: dropout rates, the longest input, the device (``cpu`` or ``cuda``)."""

    dropout: float
    attention_dropout: float
    max_length: int
    device_type: str


def open_model(folder: Path, opening: Opening, *, cls: Any = AutoModelForMaskedLM) -> tuple[Any, bool]:
    """Open the encoder in ``folder`` under a head of ``cls``, in fp32, on the CPU; say whether the head was there, too.

    A head that is not in the folder is new, drawn from torch's generator. Raises ``UserError`` where the folder holds
    no encoder in safetensors form with all its weights, or one without such a head, or with too few positions.
    """
    try:
        config = backbones._read_config(folder)
        kind = backbones._model_class(config, folder)
        backbones._check_weights(folder)
        backbones._set_dropout(config, opening.dropout, opening.attention_dropout)
        config.tie_word_embeddings = True
        eager = opening.device_type == "cpu" or not kind._supports_sdpa
        model, loading = cls.from_pretrained(
            str(folder),
            config=config,
            dtype=torch.float32,
            attn_implementation="eager" if eager else "sdpa",
            use_safetensors=True,
            output_loading_info=True,
            local_files_only=True,
            trust_remote_code=False,
        )
    except UserError as error:
        raise UserError(f"pretrain: {str(error).removeprefix('transformer: ')}") from error
    except backbones._ERRORS as error:
        reason = backbones._first_line(error)
        raise UserError(f"pretrain: cannot open the encoder in {folder}: {reason}") from error
    missing = sorted(name for name in loading["missing_keys"] if "pooler" not in name.split("."))
    own = [name for name in missing if cls is AutoModel or name.startswith(f"{model.base_model_prefix}.")]
    if own:
        raise UserError(
            f"pretrain: the weights in {folder} lack {len(own)} parameters of its config.json, such as {own[0]}; "
            "take both from one model"
        )
    longest = backbones._positions(config, model.base_model)
    if longest is not None and opening.max_length > longest:
        raise UserError(
            f"pretrain: max_length {opening.max_length} is more than the {longest} positions of {folder}"
        )
    return model, not missing


def poolers(folder: Path) -> dict[str, torch.Tensor]:
    """Return the weights of the pooler in a folder's files, by what comes after ``pooler.`` in their names."""
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as saved:
            for name in saved.keys():  # noqa: SIM118 - no mapping
                _, pooler, rest = name.rpartition("pooler.")
                if pooler:
                    found[rest] = saved.get_tensor(name).float()
    return found


def _pooler(source: Path, model: Any) -> dict[str, torch.Tensor]:
    """The pooler's weights in a folder, under the names of ``model``, which has none."""
    named = {f"{model.base_model_prefix}.pooler.{rest}": tensor for rest, tensor in poolers(source).items()}
    known = model.state_dict()
    return {name: tensor for name, tensor in named.items() if name not in known}

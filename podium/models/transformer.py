"""``transformer``: a pretrained encoder, fine-tuned with a pooled classification head.

Shapes: N rows, B rows of a batch, L tokens, D hidden size, K classes.
"""

import dataclasses
import itertools
import logging
import math
import time
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
import transformers
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer

from podium.errors import UserError
from podium.files import read_json, write_json
from podium.models.encoding import Encoded, encode, epoch_batches, length_batches

log = logging.getLogger(__name__)
transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The keys of a ``transformer`` model's config block; see ``podium.config.Transformer``.

    ``encoder`` is a local folder by now; ``precision`` may still be ``auto``.
    """

    encoder: str
    max_length: int
    pooling: str
    epochs: int
    batch_size: int
    learning_rate: float
    head_learning_rate: float
    layer_decay: float
    weight_decay: float
    warmup: float
    max_grad_norm: float
    dropout: float
    attention_dropout: float
    precision: str


class Network(nn.Module):
    """Encoder, pooling over tokens, dropout, one linear layer."""

    def __init__(self, encoder: nn.Module, hidden: int, classes: int, pooling: str, dropout: float) -> None:
        super().__init__()
        self.encoder, self.pooling = encoder, pooling
        self.dropout, self.head = nn.Dropout(dropout), nn.Linear(hidden, classes)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        """Return logits (B, K) of token ids and masks (B, L)."""
        states_BLD = self.encoder(**inputs).last_hidden_state
        if self.pooling == "cls":
            pooled_BD = states_BLD[:, 0]
        else:
            mask_BL1 = inputs["attention_mask"].unsqueeze(-1).to(states_BLD.dtype)
            pooled_BD = (states_BLD * mask_BL1).sum(dim=1) / mask_BL1.sum(dim=1)
        return self.head(self.dropout(pooled_BD))


class Model:
    """One fine-tuned encoder; follows ``podium.models.Classifier``."""

    def __init__(self, options: Options, *, classes: int, seed: int, device: str, threads: int) -> None:
        self.options, self.classes, self.seed = options, classes, seed
        self.device = torch.device(device)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True, warn_only=True)
        self.tokenizer: Any = None
        self.network: Network | None = None

    def fit(self, rows: pd.DataFrame, target: np.ndarray, weight: np.ndarray) -> None:
        """Fine-tune on ``rows``; see ``Classifier.fit``."""
        torch.manual_seed(self.seed)
        self.tokenizer, encoder, hidden = open_encoder(self.options, self.device)
        self.network = Network(encoder, hidden, self.classes, self.options.pooling, self.options.dropout)
        self.network.to(self.device).train()
        encoded = encode(self.tokenizer, rows, self.options.max_length)
        _check_ids(encoded, encoder, self.options.encoder)
        log.info(
            "transformer: %d rows, %.1f%% fill max_length or are cut to it",
            len(rows),
            100 * encoded.share_full,
        )
        labels = torch.as_tensor(target, dtype=torch.long, device=self.device)
        weights = torch.as_tensor(weight, dtype=torch.float32, device=self.device)
        steps = self.options.epochs * math.ceil(len(rows) / self.options.batch_size)
        optimizer, schedule = optimizer_of(self.network, self.options, steps)
        generator = np.random.default_rng(self.seed)
        for epoch in range(self.options.epochs):
            self._epoch(epoch, encoded, labels, weights, optimizer, schedule, generator)

    def _epoch(
        self,
        epoch: int,
        encoded: Encoded,
        labels: torch.Tensor,
        weights: torch.Tensor,
        optimizer: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
        generator: np.random.Generator,
    ) -> None:
        assert self.network is not None
        started, total, tokens = time.perf_counter(), 0.0, 0
        batches = epoch_batches(encoded.lengths, self.options.batch_size, generator)
        for step, batch in enumerate(batches):
            inputs = encoded.batch(batch, self.device)
            with self._autocast():
                logits_BK = self.network(**inputs)
            losses_B = nn.functional.cross_entropy(logits_BK.float(), labels[batch], reduction="none")
            loss = (losses_B * weights[batch]).mean()
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), self.options.max_grad_norm)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            total += loss.item()
            if not math.isfinite(total):
                raise UserError(
                    f"transformer: the loss is no longer finite at step {step + 1} of epoch {epoch + 1}; "
                    "lower learning_rate or set precision: fp32"
                )
            tokens += int(encoded.lengths[batch].sum())
        seconds = time.perf_counter() - started
        log.info(
            "epoch %d: mean loss %.4f, %d steps, %.0f s, %.0f tokens/s",
            *(epoch + 1, total / len(batches), len(batches), seconds, tokens / seconds),
        )

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return probabilities (N, K)."""
        assert self.network is not None
        self.network.eval()
        encoded = encode(self.tokenizer, rows, self.options.max_length)
        proba = np.zeros((len(rows), self.classes))
        with torch.inference_mode(), self._autocast():
            for batch in length_batches(encoded.lengths, budget=8192):
                logits_BK = self.network(**encoded.batch(batch, self.device))
                proba[batch] = torch.softmax(logits_BK.double(), dim=-1).cpu().numpy()
        return proba

    def _autocast(self) -> torch.autocast:
        """Mixed precision: bf16 where asked for, or where the device multiplies it in hardware."""
        kind = self.device.type
        wanted = self.options.precision
        enabled = wanted == "bf16" or (wanted == "auto" and fast_bf16(kind))
        return torch.autocast(kind, dtype=torch.bfloat16, enabled=enabled)

    def save(self, folder: Path) -> None:
        """Write encoder and tokenizer in their own format, ``head.safetensors``, ``transformer.json``."""
        assert self.network is not None
        self.network.encoder.save_pretrained(folder / "encoder")  # type: ignore[operator]
        self.tokenizer.save_pretrained(folder / "encoder")
        head = {name: value.contiguous().cpu() for name, value in self.network.head.state_dict().items()}
        save_file(head, folder / "head.safetensors")
        facts = {"options": dataclasses.asdict(self.options), "classes": self.classes, "seed": self.seed}
        write_json(facts, folder / "transformer.json")

    @classmethod
    def load(cls, folder: Path, *, device: str, threads: int) -> Self:
        """Read what ``save`` wrote."""
        saved = read_json(folder / "transformer.json")
        options = Options(**saved["options"])
        model = cls(options, classes=saved["classes"], seed=saved["seed"], device=device, threads=threads)
        local = dataclasses.replace(options, encoder=str(folder / "encoder"))
        model.tokenizer, encoder, hidden = open_encoder(local, model.device)
        model.network = Network(encoder, hidden, model.classes, options.pooling, options.dropout)
        model.network.head.load_state_dict(load_file(folder / "head.safetensors"))
        model.network.to(model.device)
        return model


def fast_bf16(device: str) -> bool:
    """Whether ``device`` ("cpu" or "cuda") multiplies bf16 in hardware."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capability = torch.backends.cpu.get_cpu_capability()
    return "AVX512" in capability and (
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )


def open_encoder(options: Options, device: torch.device) -> tuple[Any, nn.Module, int]:
    """Open tokenizer and encoder (fp32 weights, safetensors only) from a local folder; add the hidden size.

    Raises ``UserError`` when the folder is no encoder with its tokenizer, or ``max_length`` is more than it can read.
    """
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(options.encoder, **local)
        _set_dropout(config, options)
        # Flash attention's backward in bf16 is slow on CPUs; plain matrix products are not
        attention = "eager" if device.type == "cpu" else "sdpa"
        encoder, loading = AutoModel.from_pretrained(
            options.encoder,
            config=config,
            dtype=torch.float32,
            attn_implementation=attention,
            use_safetensors=True,
            output_loading_info=True,
            **local,
        )
        tokenizer = AutoTokenizer.from_pretrained(options.encoder, use_fast=True, **local)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"transformer: cannot open the encoder in {options.encoder}: {reason}") from error
    missing = sorted(name for name in loading["missing_keys"] if "pooler" not in name)
    if missing:  # they would start from random numbers
        raise UserError(
            f"transformer: the weights in {options.encoder} lack {len(missing)} parameters of its config.json, "
            f"such as {missing[0]}; take both from one model"
        )
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):  # without files it is made empty, not refused
        raise UserError(
            f"transformer: there is no tokenizer in {options.encoder}; put its tokenizer.json beside config.json"
        )
    longest = _positions(config, encoder)
    if longest is not None and options.max_length > longest:
        raise UserError(
            f"transformer: max_length {options.max_length} is more than the {longest} positions of {options.encoder}"
        )
    return tokenizer, encoder, int(config.hidden_size)


def _positions(config: Any, encoder: Any) -> int | None:
    """Longest input that the encoder has positions for; those of RoBERTa begin after the padding token's id."""
    longest = getattr(config, "max_position_embeddings", None)
    table = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    return longest if longest is None or padding is None else int(longest) - padding - 1


def _check_ids(encoded: Encoded, encoder: Any, name: str) -> None:
    """Raise ``UserError`` for token ids without an embedding: a GPU would only tell of a failed assertion."""
    known = encoder.get_input_embeddings().num_embeddings
    highest = max(int(ids.max(initial=0)) for ids in encoded.fields["input_ids"])
    if highest >= known:
        raise UserError(
            f"transformer: the tokenizer in {name} has the token id {highest}, but the encoder has only {known} "
            "embeddings; take both from one model"
        )


def _set_dropout(config: Any, options: Options) -> None:
    """Set the dropouts under the names that BERT-like and DistilBERT-like configs use."""
    for name in ("hidden_dropout_prob", "dropout", "embd_pdrop"):
        if hasattr(config, name):
            setattr(config, name, options.dropout)
    for name in ("attention_probs_dropout_prob", "attention_dropout"):
        if hasattr(config, name):
            setattr(config, name, options.attention_dropout)


def optimizer_of(
    network: Network, options: Options, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW over ``parameter_groups`` with linear warm-up and linear decay to 0 over ``steps`` steps."""
    optimizer = torch.optim.AdamW(parameter_groups(network, options), fused=True)
    warmup = round(options.warmup * steps)

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return max(0.0, (steps - step) / max(1, steps - warmup))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def parameter_groups(network: Network, options: Options) -> list[dict[str, Any]]:
    """Groups by layer: rate ``learning_rate * layer_decay ** (layers below the top)``, embeddings last.

    Layer-wise rates as in Sun et al. 2019 (arXiv 1905.05583, section 5.3.4). Biases and norms (all
    parameters of one dimension) are not decayed. Every parameter is in exactly one group.
    """
    layers = {name: _layer(name) for name, _ in network.named_parameters() if name.startswith("encoder.")}
    top = max((layer for layer in layers.values() if layer is not None), default=0)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        decay = options.weight_decay if parameter.ndim > 1 else 0.0
        if name.startswith("head."):
            rate = options.head_learning_rate
        else:
            layer = layers[name]
            rate = options.learning_rate * options.layer_decay ** (top - (top if layer is None else layer))
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]


def _layer(name: str) -> int | None:
    """Depth of an encoder parameter: 0 for embeddings, i + 1 for layer i, None for what follows the layers."""
    parts = name.split(".")
    for before, part in itertools.pairwise(parts):
        if part.isdigit() and before in ("layer", "layers", "h", "block"):
            return int(part) + 1
    return 0 if any("embed" in part for part in parts) else None

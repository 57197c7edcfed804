"""``transformer``: a pretrained encoder, fine-tuned with a pooled classification head.

Shapes: N rows, B rows of a batch, L tokens, D hidden size, K classes.
"""

import dataclasses
import logging
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

from podium.engine.checkpoint import Checkpoint, fingerprint
from podium.engine.encoding import Encoded, encode, length_batches
from podium.engine.loop import Finetuning
from podium.errors import UserError
from podium.files import read_json, write_csv, write_json
from podium.rerun import digest

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
        self.curve = pd.DataFrame()

    def fit(
        self, rows: pd.DataFrame, target: np.ndarray, weight: np.ndarray, *, scratch: Path | None = None
    ) -> None:
        """Fine-tune on ``rows``; see ``Classifier.fit``. A killed run in ``scratch`` is taken up where it was."""
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
        checkpoint = Checkpoint(scratch, self._fingerprint(encoded, target, weight))
        finetuning = Finetuning(
            self.network,
            encoded,
            torch.as_tensor(target, dtype=torch.long, device=self.device),
            torch.as_tensor(weight, dtype=torch.float32, device=self.device),
            self.options,
            seed=self.seed,
            autocast=self._autocast(),
            checkpoint=checkpoint,
        )
        self.curve = finetuning.run()
        checkpoint.remove()

    def _fingerprint(self, encoded: Encoded, target: np.ndarray, weight: np.ndarray) -> str:
        """What makes this run and no other: a checkpoint of another one must not be used."""
        assert self.network is not None
        root = Path(__file__).parents[2]
        return fingerprint(
            *(dataclasses.asdict(self.options), self.seed, self.classes, str(self.device), torch.__version__),
            digest(root, "podium/models/transformer.py"),
            *(torch.as_tensor(encoded.lengths), target.tobytes(), weight.tobytes()),
            *(np.concatenate(field).tobytes() for field in encoded.fields.values()),
            *self.network.state_dict().values(),
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
        """Write encoder and tokenizer in their own format, the head, the options and the learning curve."""
        assert self.network is not None
        self.network.encoder.save_pretrained(folder / "encoder")  # type: ignore[operator]
        self.tokenizer.save_pretrained(folder / "encoder")
        head = {name: value.contiguous().cpu() for name, value in self.network.head.state_dict().items()}
        save_file(head, folder / "head.safetensors")
        facts = {"options": dataclasses.asdict(self.options), "classes": self.classes, "seed": self.seed}
        write_json(facts, folder / "transformer.json")
        write_csv(self.curve, folder / "curve.csv")

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

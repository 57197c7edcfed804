"""Pretrained encoders from local folders: opened, checked, and set up for fine-tuning.

Any text encoder that ``transformers.AutoModel`` builds: BERT, RoBERTa, XLM-R, ELECTRA, DistilBERT, DeBERTa (v1 to v3),
ModernBERT and their like. Weights are read from safetensors alone, and no code of a folder ever runs.
"""

import dataclasses
import inspect
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_MAPPING,
)

from podium.errors import UserError, hint

transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()

ATTENTIONS = ("auto", "eager", "sdpa")

_LOCAL = {"local_files_only": True, "trust_remote_code": False}
#: What a damaged or foreign folder makes transformers raise.
_ERRORS = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError),
    *(SafetensorError, StrictDataclassError),
)
#: How configs call the dropout of hidden states: BERT's kin, DistilBERT and XLM, ModernBERT.
_HIDDEN_DROPOUT = (
    *("hidden_dropout_prob", "hidden_dropout", "dropout"),
    *("embedding_dropout", "mlp_dropout", "embd_pdrop", "resid_pdrop"),
)
#: ... and that of attention weights. ModernBERT's also drops from the attention's output.
_ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout", "attn_pdrop")
#: Tables of plain numbers that older files hold and that are computed by now.
_COMPUTED = ("position_ids", "token_type_ids", "inv_freq")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """An opened encoder and what the engine must know of it.

    ``hidden`` is the width of its states and ``layers`` their number without the embeddings. ``pooler_present`` says
    that it has a pooler whose weights came from the folder. ``token_types`` is how many token types it tells apart;
    with less than 2 it must be given none. ``missing`` names the parameters that were allowed to start from random
    numbers, the pooler's left out; ``unexpected`` the encoder's weights that were allowed to be left aside.
    """

    encoder: Any
    hidden: int
    layers: int
    pooler_present: bool
    token_types: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]

    @property
    def fresh(self) -> frozenset[str]:
        """Modules of the encoder with new, random weights: the ``pooler``, where the folder had none."""
        new = getattr(self.encoder, "pooler", None) is not None and not self.pooler_present
        return frozenset({"pooler"} if new else ())


def open_backbone(
    folder: Path | str,
    *,
    dropout: float,
    attention_dropout: float,
    max_length: int,
    device_type: str,
    attention: str,
    gradient_checkpointing: bool,
    allow_missing: Sequence[str],
    allow_unexpected: Sequence[str],
) -> Backbone:
    """Open the encoder in a local folder, with fp32 weights, on the CPU.

    Parameters
    ----------
    dropout, attention_dropout
        Of hidden states and of attention weights, under whatever names the architecture has for them.
    max_length
        Tokens of the longest input that will come.
    device_type
        ``cpu`` or ``cuda``: where it will run.
    attention
        ``auto``, ``eager`` or ``sdpa``. ``auto`` is plain matrix products on a CPU, where the backward pass of the
        fused kernel is slow in bf16, and the fused kernel on a GPU for architectures that have it (DeBERTa has not). A
        choice that the folder's config.json may hold is never followed: it can name code on the Hub.
    gradient_checkpointing
        Keep only the inputs of layers for the backward pass and compute the rest again (Chen et al. 2016,
        arXiv 1604.06174): the same gradients from less memory, in about a third more time.
    allow_missing, allow_unexpected
        Patterns (``fnmatch``) of parameters that may start from random numbers as the folder lacks them, and of an
        encoder's weights in the folder that may be left aside as the network has no place for them (an upper layer,
        say). A missing pooler and what is no part of the encoder (heads for other tasks) need no allowance.

    Raises
    ------
    UserError
        The folder holds no text encoder in safetensors form whose weights fit its config, or one that cannot do what is
        asked of it.
    """
    folder = Path(folder)
    if attention not in ATTENTIONS:
        raise UserError(f"attention: there is no '{attention}'; {hint(attention, ATTENTIONS)}")
    try:
        config = _read_config(folder)
        kind = _model_class(config, folder)
        _check_weights(folder)
        _set_dropout(config, dropout, attention_dropout)
        if attention == "auto":
            attention = "sdpa" if device_type != "cpu" and kind._supports_sdpa else "eager"
        encoder, loading = AutoModel.from_pretrained(
            str(folder),
            config=config,
            dtype=torch.float32,
            attn_implementation=attention,
            use_safetensors=True,
            output_loading_info=True,
            **_LOCAL,
        )
    except _ERRORS as error:
        raise _unusable(folder, _first_line(error)) from error
    missing = sorted(name for name in loading["missing_keys"] if "pooler" not in name.split("."))
    unexpected = sorted(_of_encoder(loading["unexpected_keys"], encoder))
    refused = [name for name in missing if not _allowed(name, allow_missing)]
    if refused:  # they would start from random numbers
        raise UserError(
            f"transformer: the weights in {folder} lack {len(refused)} parameters of its config.json, "
            f"such as {_few(refused)}; take both from one model, or name them in allow_missing"
        )
    refused = [name for name in unexpected if not _allowed(name, allow_unexpected)]
    if refused:  # a network of another form was trained
        raise UserError(
            f"transformer: the weights in {folder} hold {len(refused)} that its config.json has no place for, "
            f"such as {_few(refused)}; take both from one model, or name them in allow_unexpected"
        )
    longest = _positions(config, encoder)
    if longest is not None and max_length > longest:
        raise UserError(
            f"transformer: max_length {max_length} is more than the {longest} positions of {folder}"
        )
    if gradient_checkpointing:
        _checkpoint_gradients(encoder, folder)
    reads_types = "token_type_ids" in inspect.signature(kind.forward).parameters
    return Backbone(
        encoder=encoder,
        hidden=int(config.hidden_size),
        layers=int(config.num_hidden_layers),
        pooler_present=getattr(encoder, "pooler", None) is not None
        and len(missing) == len(loading["missing_keys"]),
        token_types=int(getattr(config, "type_vocab_size", None) or 0) if reads_types else 0,
        missing=tuple(missing),
        unexpected=tuple(unexpected),
    )


def open_tokenizer(folder: Path | str, *, token_types: int) -> Any:
    """Open the tokenizer in a local folder; where ``token_types`` is less than 2 it makes no token types.

    Raises ``UserError`` when there is none.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), use_fast=True, **_LOCAL)
    except _ERRORS as error:
        reason = _first_line(error)
        pieces = sorted(path.name for path in Path(folder).glob("*.model"))
        if pieces and not (Path(folder) / "tokenizer.json").is_file():
            reason = (
                f"it has {pieces[0]} and no tokenizer.json; save it once with the packages sentencepiece and protobuf "
                "installed (AutoTokenizer.from_pretrained, save_pretrained)"
            )
        raise UserError(f"transformer: cannot open the tokenizer in {folder}: {reason}") from error
    if set(tokenizer.get_vocab()) <= set(tokenizer.all_special_tokens):  # without files it is made empty
        raise UserError(
            f"transformer: there is no tokenizer in {folder}; put its tokenizer.json beside config.json"
        )
    if token_types < 2:
        names = [name for name in tokenizer.model_input_names if name != "token_type_ids"]
        tokenizer.model_input_names = names
    return tokenizer


def check_ids(highest: int, encoder: Any, folder: Path | str) -> None:
    """Raise ``UserError`` if the ``highest`` token id has no embedding: a GPU would only tell of a failed assertion."""
    known = encoder.get_input_embeddings().num_embeddings
    if highest >= known:
        raise UserError(
            f"transformer: the tokenizer in {folder} has the token id {highest}, but the encoder has only {known} "
            "embeddings; take both from one model"
        )


def _read_config(folder: Path) -> Any:
    if not (folder / "config.json").is_file():
        raise _unusable(folder, "there is no config.json")
    try:
        return AutoConfig.from_pretrained(str(folder), **_LOCAL)
    except ValueError as error:
        if "trust_remote_code" in str(error):
            raise _unusable(folder, "it needs code of its own, which is never run") from error
        raise


def _model_class(config: Any, folder: Path) -> Any:
    """Return the class that AutoModel will build; ``UserError`` unless it reads a text in both directions."""
    kind = config.model_type
    if getattr(config, "is_encoder_decoder", False):
        raise _unusable(
            folder, f"{kind} is an encoder-decoder; podium fine-tunes encoders alone, such as BERT"
        )
    leftwards = kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and kind not in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if leftwards or getattr(config, "is_decoder", False):
        raise _unusable(folder, f"{kind} is a decoder here; podium fine-tunes encoders alone, such as BERT")
    found: Any = MODEL_MAPPING.get(type(config), None)
    found = found[0] if isinstance(found, tuple | list) else found
    if found is None or found.main_input_name != "input_ids" or not hasattr(config, "hidden_size"):
        raise _unusable(folder, f"{kind} is no encoder of text")
    return found


def _check_weights(folder: Path) -> None:
    """Raise ``UserError`` where there are no safetensors: pickled weights can run code when they are read."""
    if any(folder.glob("*.safetensors")):
        return
    pickled = sorted(
        path.name for path in folder.iterdir() if path.suffix in (".bin", ".pt", ".pth", ".ckpt")
    )
    if pickled:
        raise _unusable(
            folder,
            f"its weights are pickled ({pickled[0]}) and only safetensors are read; take a revision that has "
            "model.safetensors, or convert them",
        )
    raise _unusable(folder, "there are no weights (model.safetensors)")


def _of_encoder(names: Iterable[str], encoder: Any) -> Iterator[str]:
    """Yield the names of weights that belong into a part of ``encoder``; heads above it have parts of their own."""
    parts = {name for name, _ in encoder.named_children()}
    for name in names:
        inside = name.removeprefix(f"{encoder.base_model_prefix}.")
        if inside.split(".", 1)[0] in parts and not inside.endswith(_COMPUTED):
            yield inside


def _allowed(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _few(names: Sequence[str]) -> str:
    return " and ".join(names[:2])


def _set_dropout(config: Any, dropout: float, attention_dropout: float) -> None:
    for names, value in ((_HIDDEN_DROPOUT, dropout), (_ATTENTION_DROPOUT, attention_dropout)):
        for name in names:
            if hasattr(config, name):
                setattr(config, name, value)


def _positions(config: Any, encoder: Any) -> int | None:
    """Return the longest input that the encoder has positions for; None where they are relative, without an end.

    Those of RoBERTa and its kin begin after the padding token's id.
    """
    if getattr(config, "relative_attention", False) and not getattr(config, "position_biased_input", True):
        return None
    longest = getattr(config, "max_position_embeddings", None)
    table = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    return longest if longest is None or padding is None else int(longest) - padding - 1


def _checkpoint_gradients(encoder: Any, folder: Path) -> None:
    if not encoder.supports_gradient_checkpointing:
        raise UserError(
            f"gradient_checkpointing: the encoder in {folder} ({encoder.config.model_type}) does not have it; "
            "set it to false"
        )
    encoder.activation_checkpointing_enable({"use_reentrant": False})
    # Made for the other, reentrant form: it would carry gradients down through frozen layers
    encoder.disable_input_require_grads()


def _unusable(folder: Path, reason: str) -> UserError:
    return UserError(f"transformer: cannot open the encoder in {folder}: {reason}")


def _first_line(error: Exception) -> str:
    """Return what an error says in one line; where the first announces the next, both."""
    lines = (str(error).strip() or type(error).__name__).splitlines()
    return " ".join(line.strip() for line in lines[: 2 if lines[0].endswith(":") else 1])

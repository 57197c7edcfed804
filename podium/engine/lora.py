"""LoRA: small trainable matrices beside frozen ones, put into an encoder for training and added up afterwards."""

import dataclasses
from collections.abc import Collection
from typing import Any

from torch import nn

from podium.errors import UserError, hint
from podium.stopwatch import measure

#: How encoders call the query and value projections: BERT, DeBERTa-v2/v3, DistilBERT, EuroBERT, MPNet; and where one
#: matrix makes queries, keys and values, that one: ModernBERT, DeBERTa.
_QUERY_VALUE: tuple[tuple[str, ...], ...] = (
    *(("query", "value"), ("query_proj", "value_proj"), ("q_lin", "v_lin"), ("q_proj", "v_proj"), ("q", "v")),
    *(("Wqkv",), ("in_proj",)),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LoraOptions:
    """``rank`` 0 trains the encoder itself; ``targets`` None stands for the query and value projections."""

    rank: int
    alpha: float
    dropout: float
    targets: list[str] | None


def add_lora(
    encoder: nn.Module,
    *,
    rank: int,
    alpha: float,
    dropout: float,
    targets: Collection[str] | None,
    fresh: Collection[str],
) -> None:
    """Freeze ``encoder`` and put adapters into it, in place: W x becomes W x + alpha / rank B A x.

    Hu et al. 2021, "LoRA" (arXiv 2106.09685), section 4.1; dropout before A as in the authors' code, and A drawn as
    there (Kaiming uniform; the paper says Gaussian), from torch's global random state. B is 0, so that training
    begins at the encoder as it was. ``targets`` are names of linear modules, the last part of their dotted name;
    None takes the query and value projections as the paper does (section 7.1). Modules that are ``fresh``
    (``Backbone.fresh``), named likewise by a part, stay trainable: they have nothing to keep.

    Raises ``UserError`` when the package peft is not installed, or a target is not in this encoder.
    """
    try:
        with measure("imports"):
            from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise UserError(
            "lora: the package peft is not installed; run "
            "python -m pip install --requirement envs/lora.txt --constraint envs/constraints.txt"
        ) from error
    settings: dict[str, Any] = {"r": rank, "lora_alpha": alpha, "lora_dropout": dropout, "bias": "none"}
    inject_adapter_in_model(
        LoraConfig(target_modules=sorted(_targets(encoder, targets)), **settings), encoder
    )
    for name, parameter in encoder.named_parameters():
        if not set(name.split(".")).isdisjoint(fresh):
            parameter.requires_grad_(True)


def merge_lora(encoder: nn.Module) -> None:
    """Add the adapters to the weights beside them and take them out, in place: a plain encoder is left.

    An encoder without adapters stays as it is, and needs no peft.
    """
    if not hasattr(encoder, "peft_config"):
        return
    with measure("imports"):
        from peft.tuners.tuners_utils import BaseTunerLayer
    adapted = [
        (name, module) for name, module in encoder.named_modules() if isinstance(module, BaseTunerLayer)
    ]
    for name, module in adapted:
        layer: Any = module
        layer.merge(safe_merge=True)
        encoder.set_submodule(name, layer.get_base_layer(), strict=True)
    del encoder.peft_config


def _targets(encoder: nn.Module, targets: Collection[str] | None) -> set[str]:
    """Return the names of the modules to adapt; ``UserError`` for one that is not there."""
    known = {
        name.rsplit(".", 1)[-1] for name, module in encoder.named_modules() if isinstance(module, nn.Linear)
    }
    if targets is None:
        found = next((set(names) for names in _QUERY_VALUE if known.issuperset(names)), None)
        if found is None:
            raise UserError(
                "lora.targets: the query and value projections of this encoder are not known; choose some of "
                + ", ".join(sorted(known))
            )
        return found
    for target in targets:
        if target not in known:
            raise UserError(f"lora.targets: this encoder has no linear '{target}'; {hint(target, known)}")
    if not targets:
        raise UserError("lora.targets: it is empty; name linear modules, or set it to null")
    return set(targets)

"""Forget the top of a pretrained encoder: its last layers begin anew, as the encoder's own code begins."""

import math
from typing import Any

import torch
from torch import nn

from podium.errors import UserError

LISTS = ("layer", "layers", "h", "block")  # what encoders call the list of their layers


def reinitialise(encoder: nn.Module, layers: int) -> None:
    """Draw new weights for the top ``layers`` layers, and for the pooler where there is one; 0 changes nothing.

    Zhang et al. 2021, "Revisiting Few-sample BERT Fine-tuning" (arXiv 2006.05987, section 5): the layers that are
    nearest to the pretraining task are worth less than a fresh start. Their code draws all matrices from N(0, 0.02)
    and sets biases to 0 and norms to 1; here it is the ``_init_weights`` of the Hugging Face encoder, which is that for
    BERT and what the authors of another architecture chose for theirs (ModernBERT's narrower output matrices). What
    layers share (relative positions) and a norm after the last layer stay as they were pretrained.

    Random numbers come from torch's global state. Do this before adapters such as LoRA are put into the encoder.
    ``UserError``: the encoder has fewer layers, or keeps them in no list of its own (ALBERT repeats one), or its own
    initialisation does not know all of their parameters.
    """
    if layers < 0:
        raise ValueError(f"cannot re-initialise {layers} layers")
    if layers == 0:
        return
    found = encoder_layers(encoder)
    if layers > len(found):
        raise UserError(
            f"reinit_layers: {layers} is more than the {len(found)} layers of the encoder; "
            f"set it to {len(found)} or less"
        )
    modules: list[nn.Module] = list(found)[-layers:]
    pooler = getattr(encoder, "pooler", None)
    if isinstance(pooler, nn.Module):
        modules.append(pooler)
    for module in modules:
        _draw(module, encoder)


def encoder_layers(encoder: nn.Module) -> nn.ModuleList:
    """Return the list of the encoder's layers, the top one last; ``UserError`` where there is no such list."""
    config: Any = encoder.config
    wanted = getattr(config, "num_hidden_layers", None)
    for name, module in encoder.named_modules():
        if isinstance(module, nn.ModuleList) and name.split(".")[-1] in LISTS and len(module) == wanted:
            return module
    raise UserError(
        f"reinit_layers: an encoder of the kind {config.model_type} has no list of {wanted} layers; set it to 0"
    )


def _draw(module: nn.Module, encoder: nn.Module) -> None:
    """Give all parameters of ``module`` the values with which the encoder's own code begins."""
    parameters = dict(module.named_parameters())
    with torch.no_grad():
        for parameter in parameters.values():
            # transformers marks what it has loaded, and then leaves it alone
            setattr(parameter, "_is_hf_initialized", False)  # noqa: B010
            parameter.fill_(math.nan)
        module.apply(encoder._init_weights)  # type: ignore[arg-type]
    for name, parameter in parameters.items():
        setattr(parameter, "_is_hf_initialized", True)  # noqa: B010
        if bool(parameter.isnan().any()):
            raise UserError(
                f"reinit_layers: the encoder's own initialisation leaves out {name}; set reinit_layers to 0"
            )

"""What there is to know of an encoder's folder, opened as the engine opens it."""

import dataclasses
from pathlib import Path
from typing import Any

from podium.errors import UserError


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """An encoder that could be opened, or the ``mistake`` that the engine would end with.

    ``hidden`` is the width of its states, ``rows`` the number of its word embeddings; ``missing`` and ``unexpected``
    name weights that the config allows to be random, or to be left aside; ``positions`` is
    the length of its longest input, None for any; ``new_pooler``: it has a pooler without weights in the folder.
    """

    mistake: str | None
    hidden: int = 0
    layers: int = 0
    rows: int = 0
    kind: str = ""
    pad: int | None = None
    positions: int | None = None
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    new_pooler: bool = False


def opened(folder: Path, options: dict[str, Any], max_length: int | None) -> Encoder:
    """Open the encoder in ``folder`` for inputs of ``max_length`` tokens; None: of any length."""
    from podium.engine.backbones import open_backbone
    from podium.models.transformer import limit_of

    try:
        backbone = open_backbone(
            folder,
            dropout=0.0,
            attention_dropout=0.0,
            max_length=max_length or 0,
            device_type="cpu",
            attention="auto",
            gradient_checkpointing=bool(options.get("gradient_checkpointing")),
            allow_missing=options.get("allow_missing", ()),
            allow_unexpected=options.get("allow_unexpected", ()),
        )
    except UserError as error:
        return Encoder(mistake=str(error))
    config = backbone.encoder.config
    return Encoder(
        mistake=None,
        hidden=backbone.hidden,
        layers=backbone.layers,
        rows=int(backbone.encoder.get_input_embeddings().num_embeddings),
        kind=str(config.model_type),
        pad=getattr(config, "pad_token_id", None),
        positions=limit_of(folder),
        missing=backbone.missing,
        unexpected=backbone.unexpected,
        new_pooler="pooler" in backbone.fresh,
    )

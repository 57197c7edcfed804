"""The config of the noise stage."""

from typing import Annotated, Literal

from pydantic import Field

from podium.config.base import Block, Fraction, Name


class Noise(Block):
    """Label noise found by confident learning, nested inside each fold's training part."""

    filter_by: Literal[
        "prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given"
    ] = Field("prune_by_noise_rate", description="cleanlab's rule for what counts as a label issue.")
    inner_folds: Annotated[int, Field(ge=2, le=20)] = Field(
        3, description="Folds of the nested cross-validation."
    )
    view: Name = Field("raw", description="Text view of the nested linear model.")
    max_share: Fraction = Field(0.1, description="Prune at most this share of a fold's training rows.")

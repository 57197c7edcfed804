"""The config of the augmentations."""

from typing import Literal

from pydantic import Field

from podium.config.base import Block, Fraction, Positive


class Eda(Block):
    """Easy data augmentation (Wei and Zou 2019): replacement, insertion, swap, deletion of words."""

    kind: Literal["eda"] = "eda"
    copies: Positive = Field(1, description="Made rows for each training row.")
    alpha_sr: Fraction = Field(0.1, description="Share of words replaced by synonyms.")
    alpha_ri: Fraction = Field(0.1, description="Share of words inserted.")
    alpha_rs: Fraction = Field(0.1, description="Share of words swapped.")
    alpha_rd: Fraction = Field(0.1, description="Probability of deleting a word.")

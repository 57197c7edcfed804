"""The config of the decisions."""

from typing import Annotated, Literal

from pydantic import Field

from podium.config.base import Block, Positive


class Decision(Block):
    """From predictions to what is submitted; all that is tuned is cross-fitted over the folds."""

    method: Literal["auto", "argmax", "offsets", "cut_points", "top_k", "prior"] = Field(
        "auto",
        description="argmax: the most probable class, multi_label: all above 0.5. offsets: one for each class, tuned "
        "for the metric (thresholds of multi_label). cut_points: grades for qwk, cut from a regression's values or the "
        "classes' expected value. top_k: multi_label, as many labels for every row. prior: as auto, for class shares "
        "of the test rows that are estimated (EM, Saerens et al. 2002) where a guard allows it. auto: what is tuned "
        "for the metric where it gains more than the noise.",
    )
    min_gain: Annotated[float, Field(ge=0)] = Field(
        1.0,
        description="auto: standard errors by which a tuned decision must gain, cross-fitted and paired, or the plain "
        "one is kept.",
    )
    k: Positive | None = Field(
        None, description="top_k: labels of a multi_label row; null: the best number for the metric."
    )
    sweeps: Positive = Field(3, description="offsets: passes of the coordinate ascent over the classes.")

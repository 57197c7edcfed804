"""Seconds and megabytes for an amount of work: what is usual, corrected by what earlier jobs took on this machine.

A job takes ``start + rate * amount``. The start is the rule's own (a process that imports its libraries). The rate
begins as the usual one, with much doubt, and each earlier job is an observation whose doubt is half a
second and a tenth of its seconds: the estimate of least expected error for normal errors (a regression with a
prior). A member's own jobs correct what all jobs of its family say. So a run on a few rows tells what it can tell.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What is usual of a rule: ``family`` names those whose rate is the same, ``unit`` what it grows with.

    ``start`` seconds and ``memory`` MB of any job, ``rate`` seconds a unit, ``megabytes`` a unit of the work's memory.
    """

    family: str
    unit: str
    start: float
    rate: float
    memory: float
    megabytes: float


_TEXT: dict[str, Any] = {"family": "text"}
# Measured on the default competition (5,485 and 2,189 rows, 4.5 million characters) on two cores of a 2.x GHz server
# with `snakemake --cores 2`: results/benchmarks/ of that run, less the start that a job of two rows takes.
RULES = {
    "ingest_train": Usual(**_TEXT, unit="train", start=0.6, rate=0.05, memory=110, megabytes=25),
    "ingest_test": Usual(**_TEXT, unit="test", start=0.6, rate=0.05, memory=110, megabytes=25),
    "profile_rows": Usual(**_TEXT, unit="both", start=0.6, rate=0.4, memory=130, megabytes=20),
    "normalise_text": Usual(**_TEXT, unit="part", start=0.6, rate=0.5, memory=140, megabytes=40),
    "show_changes": Usual(**_TEXT, unit="both", start=0.6, rate=0.4, memory=140, megabytes=30),
    "tokenize_rows": Usual(**_TEXT, unit="part", start=0.6, rate=0.12, memory=150, megabytes=20),
    "deal_folds": Usual(**_TEXT, unit="train", start=0.7, rate=0.25, memory=140, megabytes=30),
    "deal_joint_folds": Usual(**_TEXT, unit="all", start=0.7, rate=0.25, memory=140, megabytes=30),
    "compare_rows": Usual(**_TEXT, unit="train", start=0.8, rate=0.75, memory=150, megabytes=110),
    "compare_parts": Usual(**_TEXT, unit="both", start=0.9, rate=1.1, memory=150, megabytes=75),
    "judge_labels": Usual(**_TEXT, unit="train", start=0.9, rate=0.25, memory=190, megabytes=15),
    "augment_rows": Usual(**_TEXT, unit="train", start=0.8, rate=0.8, memory=150, megabytes=35),
    "judge_made_rows": Usual(**_TEXT, unit="train", start=0.9, rate=1.0, memory=150, megabytes=60),
    "predict_for_noise": Usual(family="judge", unit="noise", start=1.0, rate=0.85, memory=150, megabytes=60),
}
LIGHT = Usual(family="light", unit="both", start=0.8, rate=0.04, memory=130, megabytes=10)
"""Of all other rules: tables of probabilities, scores, files."""
TRAIN = {
    "linear": Usual(family="linear", unit="fit", start=1.2, rate=2.1, memory=200, megabytes=105),
    "lightgbm": Usual(family="lightgbm", unit="fit", start=1.2, rate=2.5, memory=170, megabytes=55),
    "retriever": Usual(family="retriever", unit="fit", start=1.0, rate=6.0, memory=200, megabytes=60),
    "fasttext": Usual(family="fasttext", unit="fit", start=2.5, rate=0.02, memory=400, megabytes=1),
    "textcnn": Usual(family="textcnn", unit="fit", start=3.5, rate=0.05, memory=500, megabytes=1),
    "network": Usual(family="network", unit="fit", start=5.0, rate=1 / 430, memory=620, megabytes=1),
}
PREDICT = {
    "linear": Usual(family="predict", unit="predict", start=1.0, rate=1.3, memory=180, megabytes=25),
    "lightgbm": Usual(family="predict", unit="predict", start=1.0, rate=0.5, memory=170, megabytes=20),
    "retriever": Usual(family="predict", unit="predict", start=0.8, rate=1.0, memory=180, megabytes=25),
    "fasttext": Usual(family="predict", unit="predict", start=2.5, rate=0.6, memory=450, megabytes=20),
    "textcnn": Usual(family="predict", unit="predict", start=3.0, rate=0.8, memory=500, megabytes=20),
    "network": Usual(family="network", unit="predict", start=4.0, rate=1 / 430, memory=650, megabytes=2),
}
GPU_RATE = 1 / 20_000
"""Seconds a GFLOP of networks on a GPU where nothing was measured: a small part of what recent ones can."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One earlier job: its family, its own name (of rule and member), what it had to do and what it took."""

    family: str
    own: str
    start: float
    amount: float
    seconds: float


def rate(prior: float, doubt: float, seen: Sequence[Seen], *, starts: float) -> float:
    """The rate after some jobs were ``seen``; ``prior`` has a standard deviation of ``doubt`` times itself.

    ``starts`` is how long starts take on this machine, against the usual. Never below a twentieth of the prior.
    """
    if prior <= 0:
        return prior
    weight = 1 / (doubt * prior) ** 2
    total = weight * prior
    for one in seen:
        error = 0.5 + 0.1 * one.seconds
        weight += (one.amount / error) ** 2
        total += one.amount * (one.seconds - starts * one.start) / error**2
    return max(prior / 20, total / weight)


def starts_of(seen: Sequence[Seen]) -> float:
    """How long jobs with next to no work take here, against the usual: the median, between 0.1 and 10."""
    ratios = sorted(one.seconds / one.start for one in seen if one.family == "light")
    return min(10.0, max(0.1, ratios[len(ratios) // 2])) if ratios else 1.0

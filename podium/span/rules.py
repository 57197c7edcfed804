"""When a question is left without an answer, and how long an answer may be: fitted, and scored by cross-fitting."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from podium.span import metrics
from podium.span.answers import Answer, texts
from podium.span.decode import Decoded, DecodeOptions, decode, length_limit
from podium.span.predictions import Spans
from podium.thresholds import best_step

_FAR = 1e3
"""Doubt that stands for any beyond it."""

Gold = Sequence[Sequence[Answer]]
"""The true answers of N questions; none of a question that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOptions:
    """How rules are fitted and answers made.

    ``max_characters`` of an answer at most; None takes as many as a share ``length_share`` of the true answers has.
    ``candidates`` and ``complete`` as in ``podium.span.decode.DecodeOptions``. ``unanswered``: whether questions may be
    left without an answer; None lets that be so where some true ones are.
    """

    max_characters: int | None
    length_share: float
    candidates: int
    complete: bool
    unanswered: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``threshold``: doubt beyond which there is no answer, None answers all; ``max_characters`` of an answer."""

    threshold: float | None
    max_characters: int

    def facts(self) -> dict[str, Any]:
        """For a JSON file."""
        return asdict(self)

    @classmethod
    def read(cls, saved: dict[str, Any]) -> Self:
        """Make a rule of ``facts``."""
        return cls(**saved)


def fit(spans: Spans, contexts: Sequence[str], gold: Gold, *, metric: str, options: RuleOptions) -> Rule:
    """Return the rule that is best for ``metric`` on N questions with their contexts."""
    limit = options.max_characters or length_limit(gold, share=options.length_share)
    silent = any(not answers for answers in gold) if options.unanswered is None else options.unanswered
    if not silent:
        return Rule(threshold=None, max_characters=limit)
    found = decode(spans, contexts, options=decoding(options, limit))
    wanted = [texts(answers) for answers in gold]
    threshold = best_threshold(
        found.doubt,
        metrics.rows(metric, found.text, wanted),
        metrics.rows(metric, [""] * len(wanted), wanted),
    )[0]
    return Rule(threshold=threshold, max_characters=limit)


def best_threshold(doubt: np.ndarray, answered: np.ndarray, silent: np.ndarray) -> tuple[float, float]:
    """Return the threshold of ``doubt`` (N,) with the highest mean, and that mean.

    A row is worth ``answered`` (N,) where its doubt is no higher than the threshold, else ``silent`` (N,).
    """
    doubt = np.clip(doubt, -_FAR, _FAR)
    order = np.argsort(doubt, kind="stable")
    values = silent.sum() + np.r_[0, np.cumsum((answered - silent)[order])]
    threshold, value = best_step(doubt[order], values / max(1, len(doubt)))
    return float(threshold), float(value)


def answer(rule: Rule, spans: Spans, contexts: Sequence[str], *, options: RuleOptions) -> list[str]:
    """Return the answers (N) by a rule: "" where there is none."""
    return apply(rule, spans, contexts, options=options).answers(rule.threshold)


def apply(rule: Rule, spans: Spans, contexts: Sequence[str], *, options: RuleOptions) -> Decoded:
    """Return the best spans (N) by a rule."""
    return decode(spans, contexts, options=decoding(options, rule.max_characters))


def decoding(options: RuleOptions, limit: int) -> DecodeOptions:
    """How answers of at most ``limit`` characters are found."""
    return DecodeOptions(max_characters=limit, candidates=options.candidates, complete=options.complete)


def crossfit(
    spans: Spans, contexts: Sequence[str], gold: Gold, folds: np.ndarray, *, metric: str, options: RuleOptions
) -> list[str]:
    """Return the answers (N) of each fold by the rule that is fitted on the others; ``folds`` (N,) int."""
    answers = [""] * len(spans)
    for fold in np.unique(folds).tolist():
        inside, outside = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        rule = fit(*_part(spans, contexts, gold, outside), metric=metric, options=options)
        held, texts_held, _ = _part(spans, contexts, gold, inside)
        for row, text in zip(inside.tolist(), answer(rule, held, texts_held, options=options), strict=True):
            answers[row] = text
    return answers


def _part(
    spans: Spans, contexts: Sequence[str], gold: Gold, rows: np.ndarray
) -> tuple[Spans, list[str], list[Sequence[Answer]]]:
    chosen = rows.tolist()
    return spans.take(rows), [contexts[row] for row in chosen], [gold[row] for row in chosen]

"""The members' diagnoses: all causes looked for, in words for a person and as plain values for programs."""

import dataclasses
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from podium import metrics
from podium.config import Config
from podium.diagnose import (
    causes_config,
    causes_predictions,
    causes_texts,
    causes_training,
    causes_weights,
)
from podium.diagnose.facts import Facts, Gathering, with_others
from podium.diagnose.finding import Finding, ordered
from podium.diagnose.member import members
from podium.errors import UserError, hint

Cause = Callable[[Facts], Iterator[Finding]]

CAUSES: tuple[Cause, ...] = (
    causes_weights.unusable_encoder,
    causes_training.not_finite,
    causes_predictions.label_order,
    causes_weights.tokenizer_weights,
    causes_texts.tokenizer_case,
    causes_texts.unknown_tokens,
    causes_config.learning_rate,
    causes_training.collapsed_training,
    causes_predictions.constant_predictions,
    causes_config.few_steps,
    causes_training.unfinished_training,
    causes_texts.cut_texts,
    causes_weights.weights_not_loaded,
    causes_weights.new_pooler,
    causes_weights.untrained_encoder,
    causes_config.head_rate,
    causes_config.layer_decay,
    causes_config.untrained_places,
    causes_config.warmup,
    causes_training.overfitting,
    causes_predictions.odd_fold,
    causes_predictions.lost_classes,
    causes_texts.broken_words,
    causes_texts.clashing_labels,
    causes_training.clipped_gradients,
    causes_predictions.sample_labels,
)
"""Of equally severe causes the first is the one that more likely explains the others."""

WIDTH = 110


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found of one member; ``score`` is None before a run."""

    task: str
    member: str
    kind: str
    metric: str
    score: float | None
    findings: list[Finding]
    notes: list[str]


def diagnose(config: Config, *, root: Path, member: str | None) -> list[Diagnosis]:
    """Look for the causes of a low score in every member, or in one.

    ``root`` is the folder of the Snakefile. Nothing is written. Raises ``UserError`` for an unknown member.
    """
    known = members(config, root)
    names = sorted({one.name for one in known})
    if member is not None and member not in names:
        raise UserError(f"diagnose: there is no member '{member}'; {hint(member, names)}")
    gathering = Gathering()
    facts = with_others([gathering.facts(one) for one in known])
    return [_diagnosis(one) for one in facts if member in (None, one.member.name)]


def causes_of(facts: Facts) -> list[Finding]:
    """All that is found in the facts of a member, worst first."""
    return ordered([finding for cause in CAUSES for finding in cause(facts)])


def _diagnosis(facts: Facts) -> Diagnosis:
    member = facts.member
    return Diagnosis(
        task=member.task,
        member=member.name,
        kind=member.kind,
        metric=member.metric,
        score=None if facts.held_out is None else facts.held_out.score(member.metric),
        findings=causes_of(facts),
        notes=facts.notes,
    )


def plain(found: Sequence[Diagnosis]) -> list[dict[str, Any]]:
    """The diagnoses as plain values, for JSON."""
    return [dataclasses.asdict(one) for one in found]


def text(found: Sequence[Diagnosis]) -> str:
    """The diagnoses as a person reads them."""
    return "\n".join(line for one in found for line in (*_lines(one, _best(found, one)), ""))


def _lines(one: Diagnosis, best: Diagnosis | None) -> Iterator[str]:
    score = "" if one.score is None else f": {one.metric} {one.score:.4f}"
    beside = f" (best member: {best.member} {best.score:.4f})" if best is not None and best is not one else ""
    yield f"{one.task} / {one.member} ({one.kind}){score}{beside}"
    if not one.findings:
        yield "  nothing found"
    for number, finding in enumerate(one.findings, 1):
        yield f"  {number}. {finding.severity}: {finding.cause}"
        for name in ("figure", "usual", "advice"):
            label = {"figure": "found", "usual": "usual", "advice": "change"}[name]
            yield from _wrapped(f"     {label:<7}", getattr(finding, name))
    for note in one.notes:
        yield from _wrapped("  note: ", note)


def _wrapped(before: str, words: str) -> list[str]:
    return textwrap.wrap(
        words,
        WIDTH,
        initial_indent=before,
        subsequent_indent=" " * len(before),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _best(found: Sequence[Diagnosis], one: Diagnosis) -> Diagnosis | None:
    """The best member of the task."""
    scored = [other for other in found if other.task == one.task and other.score is not None]
    return max(scored, key=lambda other: metrics.utility(one.metric, other.score or 0.0), default=None)

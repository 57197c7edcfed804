"""Causes in the learning curves: no number, nothing learned, too short, gradients cut, too much learned by heart."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from podium.diagnose.causes_config import ENOUGH_STEPS, FEW_STEPS, VERY_FEW_STEPS
from podium.diagnose.facts import Facts
from podium.diagnose.finding import Finding

ABOVE_CHANCE = 0.97
"""Share of the loss of chance above which nothing was learned."""
FALL, SURE = 0.1, 2.0
"""How much the loss must still fall from the third to the last quarter, and how many standard errors that is."""
LEARNED = 0.3
"""Share of the loss of chance below which a training has learned its rows, however short it was."""
CLIPPED, FAR_CLIPPED = 0.95, 10.0
"""Share of steps whose gradient is cut, and how many times too long the middle one is."""
GAP = 0.6
"""How far the held-out loss may lie above the training loss, as a share of the loss of chance."""


def not_finite(facts: Facts) -> Iterator[Finding]:
    """Trainings that ended since their loss was no number."""
    failed = [run for run in facts.runs if run.not_finite is not None]
    if failed:
        told = ", ".join(f"fold {run.fold} at step {run.not_finite}" for run in failed)
        yield Finding(
            cause="not_finite",
            severity="severe",
            figure=f"the training ended as its loss was no number: {told}",
            usual="a finite loss in every step",
            advice=f"lower {facts.member.key('learning_rate')}, or set {facts.member.key('precision')} to fp32",
        )


def collapsed_training(facts: Facts) -> Iterator[Finding]:
    """Trainings that end no better than they began, or than the shares of the classes alone."""
    found = []
    for run in facts.runs:
        if run.steps is None or len(run.steps) < VERY_FEW_STEPS:
            continue
        loss, chance = run.steps["loss"], facts.chance_loss(run)
        bar = float(_first(loss)) if chance is None else chance
        if _last(loss) >= ABOVE_CHANCE * bar:
            what = "where it began" if chance is None else "of the classes' shares alone"
            found.append(f"fold {run.fold} ends at {_last(loss):.3f} ({bar:.3f} {what})")
    if found:
        yield Finding(
            cause="collapsed_training",
            severity="severe",
            figure=f"the training loss is not below chance: {'; '.join(found)}",
            usual="well below half of it at the end",
            advice=f"lower {facts.member.key('learning_rate')}, raise {facts.member.key('warmup')}; look at the labels "
            "where other members are at chance, too",
        )


def unfinished_training(facts: Facts) -> Iterator[Finding]:
    """A training that ends while the loss still falls, or after a few steps with little learned."""
    falling, steps, levels = [], [], []
    for run in facts.runs:
        if run.steps is None:
            continue
        loss, chance = run.steps["loss"], facts.chance_loss(run)
        level = _last(loss) / max(1e-12, float(_first(loss)) if chance is None else chance)
        if level >= ABOVE_CHANCE and len(loss) >= VERY_FEW_STEPS:  # more of the same would not help
            continue
        steps.append(len(loss))
        levels.append(level)
        if level > LEARNED and (fall := _still_falling(loss)):
            falling.append(f"fold {run.fold} from {fall[0]:.3f} to {fall[1]:.3f}")
    if not steps:
        return
    short = min(steps) < FEW_STEPS and float(np.median(levels)) > LEARNED
    if not short and 2 * len(falling) <= len(steps):
        return
    ends = f"; the loss still falls in the last quarter: {'; '.join(falling)}" if falling else ""
    part = f"{min(steps)} optimizer steps a fold, the loss ends at {np.median(levels):.0%} of that of chance{ends}"
    severe = min(steps) < VERY_FEW_STEPS and short
    yield Finding(
        cause="too_few_steps",
        severity="severe" if severe else "likely" if falling else "possible",
        figure=part,
        usual=ENOUGH_STEPS,
        advice=f"raise {facts.member.key('steps' if facts.options.get('steps') else 'epochs')}, or lower batch_size",
    )


def clipped_gradients(facts: Facts) -> Iterator[Finding]:
    """Gradients cut to ``max_grad_norm`` at almost every step, by far."""
    limit = facts.options.get("max_grad_norm")
    norms = [curve["norm"].to_numpy() for _, curve in facts.curves]
    if limit is None or not norms:
        return
    norm = np.concatenate(norms)
    cut, middle = float((norm > limit).mean()), float(np.median(norm)) / limit
    if cut >= CLIPPED and middle >= FAR_CLIPPED:
        yield Finding(
            cause="clipped_gradients",
            severity="possible",
            figure=f"{cut:.0%} of the steps are cut to max_grad_norm {limit:g}, the middle one is {middle:.0f} times "
            "as long",
            usual="some steps, most of them at the start (arXiv 1211.5063, section 3.2)",
            advice=f"lower {facts.member.key('learning_rate')}, or raise {facts.member.key('max_grad_norm')}",
        )


def overfitting(facts: Facts) -> Iterator[Finding]:
    """A held-out loss far above the training loss."""
    runs = [run for run in facts.runs if run.steps is not None and run.plain]
    found = None if facts.held_out is None else facts.held_out.log_loss()
    chances = [chance for run in runs if (chance := facts.chance_loss(run)) is not None]
    if not chances or found is None or facts.options.get("stopping"):
        return
    chance = float(np.mean(chances))
    trained = float(np.mean([_last(run.steps["loss"]) for run in runs if run.steps is not None]))
    if found - trained <= GAP * chance:
        return
    yield Finding(
        cause="overfitting",
        severity="likely" if found > chance else "possible",
        figure=f"the loss is {trained:.3f} on the training rows at the end and {found:.3f} on held-out rows "
        f"(chance: {chance:.3f})",
        usual="a small gap; a held-out loss above chance means sure and wrong",
        advice=f"lower {facts.member.key('epochs')}, or try {_against(facts)}",
    )


def _against(facts: Facts) -> str:
    """Keys of this kind of model against learning by heart."""
    keys = [name for name in ("stopping", "average", "r_drop", "dropout") if name in facts.options]
    return ", ".join(facts.member.key(name) for name in keys) or "fewer features"


def _last(loss: pd.Series) -> float:
    """Mean of the last tenth of a curve, of three steps at least."""
    return float(loss.tail(max(3, len(loss) // 10)).mean())


def _first(loss: pd.Series) -> float:
    """Mean of the first twentieth of a curve."""
    return float(loss.head(max(1, len(loss) // 20)).mean())


def _still_falling(loss: pd.Series) -> tuple[float, float] | None:
    """Mean loss of the third and of the last quarter, where the last is surely lower by more than a little."""
    if len(loss) < 8:
        return None
    _, _, third, last = np.array_split(loss.to_numpy(dtype=np.float64), 4)
    error = float(np.sqrt(third.var(ddof=1) / len(third) + last.var(ddof=1) / len(last)))
    fall = float(third.mean() - last.mean())
    return (
        (float(third.mean()), float(last.mean())) if fall > max(FALL * third.mean(), SURE * error) else None
    )

"""Penalties between two distributions of one row: R-Drop and distillation. Shapes: B rows, K classes or labels.

Both return the sum over the rows of weight times penalty, as ``podium.engine.losses.Loss`` does, and take its ``link``.
"""

import torch
from torch import nn

from podium.engine.links import Link, log_proba, precise


def r_drop(
    logits_1: torch.Tensor, logits_2: torch.Tensor, weight: torch.Tensor, *, link: Link
) -> torch.Tensor:
    """Sum over the rows of weight (B,) times (KL(p1 || p2) + KL(p2 || p1)) / 2.

    Liang et al. 2021 (arXiv 2106.14448), equation 2, for the logits (B, outputs) of two passes with different dropout;
    the gradient flows into both. With ``sigmoid`` each label is a distribution of its own, and a row's divergence is
    the mean over its labels, as its loss is. In the paper's objective (equation 4) alpha times this stands
    beside the sum, not the mean, of the two passes' losses.

    Raises ``ValueError`` for ``identity``: values are no distribution.
    """
    first, second = precise(logits_1), precise(logits_2)
    if link == "sigmoid":  # log p - log (1 - p) is the logit itself
        rows = ((torch.sigmoid(first) - torch.sigmoid(second)) * (first - second)).mean(dim=-1)
    else:
        log_1, log_2 = log_proba(first, link), log_proba(second, link)
        rows = ((log_1.exp() - log_2.exp()) * (log_1 - log_2)).sum(dim=-1)
    return (weight * rows).sum() / 2


def distillation(
    logits: torch.Tensor,
    teacher_probs: torch.Tensor,
    weight: torch.Tensor,
    temperature: float,
    *,
    link: Link,
) -> torch.Tensor:
    """Sum over the rows of weight (B,) times T² KL(teacher at T || student at T).

    Hinton, Vinyals and Dean 2015 (arXiv 1503.02531), section 2. The teacher is known by its probabilities
    (B, K): at T they are p^(1/T), normalised, the same as its logits over T. The student's are ``logits`` over T, and
    for ``ordinal`` its log class probabilities over T. With ``sigmoid`` each label is a distribution of its own, and
    the mean over labels is taken. T² keeps the gradient's size. A teacher's row of zeros (softmax, ordinal) adds 0.

    Raises ``ValueError`` for a temperature that is not above 0, and for ``identity``: values are no distribution.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, found {temperature}")
    logits = precise(logits)
    teacher = teacher_probs.detach().to(logits.dtype)
    if link == "sigmoid":
        teacher = torch.stack([teacher, 1 - teacher], dim=-1)
        scaled = logits / temperature
        student = nn.functional.logsigmoid(torch.stack([scaled, -scaled], dim=-1))
    else:
        student = torch.log_softmax(log_proba(logits, link) / temperature, dim=-1)
    teacher = _heated(teacher, temperature)
    terms = (torch.special.xlogy(teacher, teacher) - teacher * student).sum(dim=-1)
    rows = terms.mean(dim=-1) if link == "sigmoid" else terms
    return temperature**2 * (weight * rows).sum()


def _heated(proba: torch.Tensor, temperature: float) -> torch.Tensor:
    """Distributions over the last axis, to the power of 1/T and normalised; the largest is made 1 against underflow."""
    tiny = torch.finfo(proba.dtype).tiny
    powers = (proba / proba.amax(dim=-1, keepdim=True).clamp(min=tiny)).pow(1 / temperature)
    return powers / powers.sum(dim=-1, keepdim=True).clamp(min=tiny)

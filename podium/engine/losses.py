"""Losses, each as published, with soft targets and row weights.

A loss is the SUM over the rows of a batch of weight times the row's loss: divided by the rows of the whole optimizer
step, the losses of its parts add up to that of the big batch. Computed in float32 whatever the logits' type
(float64 stays), without host synchronisation. Shapes: B rows, K classes or labels, T values, O outputs of the head.

A soft target is a mixture of hard ones: a row's loss is the mean of its classes' losses under the target. That is exact
for cross_entropy, focal, generalized, binary and corn; symmetric and soft_f1 say their own rule.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from podium.engine.balance import class_weights, log_prior, valid_counts
from podium.engine.links import Link, log_proba, precise
from podium.engine.loss_options import LossOptions, Type, check

__all__ = ["Loss", "LossOptions", "Type", "check", "make_loss"]

LOG_ZERO = -4.0
"""A of symmetric cross-entropy: what the logarithm of a zero target is taken to be."""


class Loss(nn.Module):
    """What the losses share; ``link`` is for ``podium.engine.divergences``.

    ``outputs`` is the number of logits that the head has to give: K, K - 1 (corn) or T.
    """

    def __init__(self, *, outputs: int, targets: int, link: Link) -> None:
        super().__init__()
        self.outputs, self.targets, self.link = outputs, targets, link

    def forward(self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the sum over the rows of weight times loss, a scalar.

        Parameters
        ----------
        logits
            (B, O), of any float type.
        target
            (B, K) probabilities, rows sum to 1 (single_label); (B, K) in [0, 1] (multi_label); (B, T) values.
        weight
            (B,), at least 0.

        Raises
        ------
        ValueError
            If a shape is another one.
        """
        rows = len(logits)
        found = (tuple(logits.shape), tuple(target.shape), tuple(weight.shape))
        wanted = ((rows, self.outputs), (rows, self.targets), (rows,))
        if found != wanted:
            raise ValueError(f"shapes of logits, target and weight must be {wanted}, found {found}")
        logits = precise(logits)
        return self.total(logits, target.to(logits.dtype), weight.to(logits.dtype))

    def total(self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the scalar of ``forward``, of tensors in full precision."""
        return (weight * self.rows(logits, target)).sum()

    def rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Losses (B,) of the rows."""
        raise NotImplementedError

    def predict(self, logits: torch.Tensor) -> torch.Tensor:
        """Return probabilities (B, K) or values (B, T) of logits (B, O): float64 for float64, else float32."""
        logits = precise(logits)
        if self.link == "identity":
            return logits
        if self.link == "sigmoid":
            return torch.sigmoid(logits)
        return log_proba(logits, self.link).exp()


class ClassLoss(Loss):
    """A single-label loss that is defined by its value for each class; ``class_weight`` (K,) multiplies these.

    With weights, the sum over rows is not divided by the sum of the rows' class weights, as torch's ``mean`` does for
    class indices; ``balanced`` weights make the two the same over a whole training part.
    """

    class_weight: torch.Tensor

    def __init__(self, class_weight: np.ndarray, *, link: Link) -> None:
        classes = len(class_weight)
        super().__init__(outputs=classes - (link == "ordinal"), targets=classes, link=link)
        self.register_buffer("class_weight", torch.from_numpy(class_weight))

    def rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (self.weighted(target) * self.terms(logits)).sum(dim=-1)

    def weighted(self, target: torch.Tensor) -> torch.Tensor:
        """Target (B, K) times the class weights."""
        return target * self.class_weight.to(target.dtype)

    def terms(self, logits: torch.Tensor) -> torch.Tensor:
        """Losses (B, K) that the rows would have with each class as their label."""
        raise NotImplementedError


class CrossEntropy(ClassLoss):
    """Cross-entropy; the same as ``torch.nn.functional.cross_entropy`` with ``weight`` and ``label_smoothing``.

    Smoothing (Szegedy et al. 2016, arXiv 1512.00567, section 7) mixes ε of the uniform distribution into the target,
    before the class weights, as torch does. Logit adjustment (Menon et al. 2020, arXiv 2007.07314,
    section 5.1) adds τ log prior to the logits here, and not in ``predict``.
    """

    shift: torch.Tensor

    def __init__(self, class_weight: np.ndarray, *, smoothing: float, shift: np.ndarray) -> None:
        super().__init__(class_weight, link="softmax")
        self.smoothing = smoothing
        self.register_buffer("shift", torch.from_numpy(shift))

    def weighted(self, target: torch.Tensor) -> torch.Tensor:
        return super().weighted((1 - self.smoothing) * target + self.smoothing / self.targets)

    def terms(self, logits: torch.Tensor) -> torch.Tensor:
        return -torch.log_softmax(logits + self.shift.to(logits.dtype), dim=-1)


class Focal(ClassLoss):
    """(1 - p)^γ times cross-entropy (Lin et al. 2017, arXiv 1708.02002, equation 5), p from a softmax.

    The class weights are the α of the paper.
    """

    def __init__(self, class_weight: np.ndarray, *, gamma: float) -> None:
        super().__init__(class_weight, link="softmax")
        self.gamma = gamma

    def terms(self, logits: torch.Tensor) -> torch.Tensor:
        log_p = torch.log_softmax(logits, dim=-1)
        # The slope of x^γ at 0 is infinite for γ < 1; the factor beside it is 0 there, and so must the product be
        rest = (-torch.expm1(log_p)).clamp(min=torch.finfo(log_p.dtype).tiny)
        return rest.pow(self.gamma) * -log_p


class Generalized(ClassLoss):
    """(1 - p^q) / q (Zhang and Sabuncu 2018, arXiv 1805.07836, section 3.2: L_q), not truncated."""

    def __init__(self, class_weight: np.ndarray, *, q: float) -> None:
        super().__init__(class_weight, link="softmax")
        self.q = q

    def terms(self, logits: torch.Tensor) -> torch.Tensor:
        return -torch.expm1(self.q * torch.log_softmax(logits, dim=-1)) / self.q


class Corn(ClassLoss):
    """CORN for ordered classes, K - 1 logits (Shi, Cao and Raschka 2021, arXiv 2111.08851, section 3).

    The sum over the conditional training subsets of the binary cross-entropies of one row is minus the logarithm of its
    class's probability, hence soft targets. The paper divides by the sizes of all subsets of a batch; here they are
    those of the training part (``counts``), for a batch's own would make the loss of a row depend on the others. Over
    the whole training part the mean over rows is the paper's loss; published code agrees up to the batch's factor.
    """

    def __init__(self, class_weight: np.ndarray, *, counts: np.ndarray) -> None:
        super().__init__(class_weight, link="ordinal")
        classes = len(counts)
        subsets = np.minimum(np.arange(classes) + 1, classes - 1)
        self.subsets_per_row = float(counts @ subsets / counts.sum())

    def terms(self, logits: torch.Tensor) -> torch.Tensor:
        return -log_proba(logits, "ordinal") / self.subsets_per_row


class OneVsRest(ClassLoss):
    """Binary cross-entropy of each class against the others, mean over the K classes, for a single label.

    ``predict`` divides the K sigmoids by their sum. Class weights are of the row's class, on all its K terms
    (Cui et al. 2019, arXiv 1901.05555, section 4.2).
    """

    def __init__(self, class_weight: np.ndarray) -> None:
        super().__init__(class_weight, link="sigmoid")

    def rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        hits = self.weighted(target)
        rest = hits.sum(dim=-1, keepdim=True) - hits
        return _two_sided(logits, hits, rest, gamma=0.0)

    def predict(self, logits: torch.Tensor) -> torch.Tensor:
        return torch.softmax(nn.functional.logsigmoid(precise(logits)), dim=-1)  # sigmoids may all be 0


class MultiLabel(Loss):
    """Binary cross-entropy with logits, mean over the K labels, as torch's; with γ the focal loss of sigmoids.

    Lin et al. 2017 (arXiv 1708.02002), equation 4: each side's cross-entropy times (1 - its probability)^γ.
    """

    def __init__(self, classes: int, *, gamma: float) -> None:
        super().__init__(outputs=classes, targets=classes, link="sigmoid")
        self.gamma = gamma

    def rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return _two_sided(logits, target, 1 - target, gamma=self.gamma)


class Symmetric(Loss):
    """alpha CE + beta RCE (Wang et al. 2019, arXiv 1908.06112, section 3), log 0 = A = -4.

    The reverse cross-entropy of a soft target t is the paper's too, -sum p log t, with no logarithm below A.
    Published code cuts t at 1e-4 instead, so that its A is -9.2.
    """

    def __init__(self, classes: int, *, alpha: float, beta: float) -> None:
        super().__init__(outputs=classes, targets=classes, link="softmax")
        self.alpha, self.beta = alpha, beta

    def rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        log_p = torch.log_softmax(logits, dim=-1)
        log_t = target.clamp(min=math.exp(LOG_ZERO)).log()
        return -(self.alpha * target * log_p + self.beta * log_p.exp() * log_t).sum(dim=-1)


class SoftF1(Loss):
    """One minus the batch's macro F1 from soft counts, times the sum of weights.

    Counts as in sigmoidF1 (Bénédict et al. 2021, arXiv 2108.10566) with its sigmoid at β = 1, η = 0: tp, fp and fn are
    sums over the rows of t p, (1 - t) p and t (1 - p), each times the row's weight, p the softmax or sigmoids, t hard
    or soft; a class's F1 is 2 tp / (2 tp + fp + fn). The mean is over the classes that have targets in the batch (F1 of
    the others is 0 whatever is predicted). At hard predictions it is scikit-learn's
    ``f1_score(average="macro", labels=<those classes>)``.

    It belongs to a batch, not to rows: with gradient accumulation a step's loss is the mean of its parts' losses, not
    that of the big batch.
    """

    def total(self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        proba, weight_B1 = self.predict(logits), weight.unsqueeze(-1)
        hits, true, guessed = (
            (weight_B1 * counted).sum(dim=0) for counted in (target * proba, target, proba)
        )
        f1 = 2 * hits / (true + guessed).clamp(min=torch.finfo(hits.dtype).tiny)
        present = (true > 0).to(f1.dtype)
        macro = (present * f1).sum() / present.sum().clamp(min=1)
        return (1 - macro) * weight.sum()


class Regression(Loss):
    """Mean over the T values of ``error`` (B, T), for targets in the unit that they are given in."""

    def __init__(self, values: int, error: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__(outputs=values, targets=values, link="identity")
        self.error = error

    def rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return self.error(logits - target).mean(dim=-1)


def make_loss(options: LossOptions, *, type: Type, classes: int, counts: np.ndarray) -> Loss:
    """Return the loss of ``options`` for a task.

    Parameters
    ----------
    options
        The loss and its keys.
    type
        The task's type.
    classes
        K, or T in regression.
    counts
        (K,) weighted training rows of each class in this fold's training part; read for single_label only. A class may
        have none.

    Raises
    ------
    ValueError
        With every mistake that ``check`` finds, or if ``counts`` are not K finite numbers of at least 0, not all 0.
    """
    mistakes = check(options, type, classes)
    if mistakes:
        raise ValueError("loss: " + "; ".join(mistakes))
    if type == "regression":
        return Regression(classes, _error(options))
    if options.name == "soft_f1":
        link: Link = "softmax" if type == "single_label" else "sigmoid"
        return SoftF1(outputs=classes, targets=classes, link=link)
    if type == "multi_label":
        return MultiLabel(classes, gamma=options.gamma or 0.0)
    return _single_label(options, valid_counts(counts, classes))


def _single_label(options: LossOptions, counts: np.ndarray) -> Loss:
    weights = class_weights(counts, kind=options.class_weight, beta=options.effective_beta)
    match options.name:
        case "cross_entropy":
            shift = (options.logit_adjustment or 0.0) * log_prior(counts)
            return CrossEntropy(weights, smoothing=options.smoothing or 0.0, shift=shift)
        case "focal":
            return Focal(weights, gamma=_set(options.gamma))
        case "generalized":
            return Generalized(weights, q=_set(options.q))
        case "corn":
            return Corn(weights, counts=counts)
        case "binary":
            return OneVsRest(weights)
        case _:
            return Symmetric(len(counts), alpha=_set(options.alpha), beta=_set(options.beta))


def _set(value: float | None) -> float:
    assert value is not None  # as `check` has found
    return value


def _error(options: LossOptions) -> Callable[[torch.Tensor], torch.Tensor]:
    """Error of a difference: its square, or Huber's: half the square up to delta, then a line.

    Huber 1964, "Robust Estimation of a Location Parameter".
    """
    if options.name == "mse":
        return torch.square
    delta = _set(options.delta)
    return lambda gap: nn.functional.huber_loss(gap, torch.zeros_like(gap), reduction="none", delta=delta)


def _two_sided(logits: torch.Tensor, hits: torch.Tensor, rest: torch.Tensor, *, gamma: float) -> torch.Tensor:
    """Mean over K of -hits (1 - p)^γ log p - rest p^γ log (1 - p), p the sigmoids of logits (B, K)."""
    log_p, log_rest = nn.functional.logsigmoid(logits), nn.functional.logsigmoid(-logits)
    terms = hits * (gamma * log_rest).exp() * log_p + rest * (gamma * log_p).exp() * log_rest
    return -terms.mean(dim=-1)

"""Every loss against torch, scikit-learn or its paper's equation, and what all of them must keep."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_samples import CASES, COUNTS, batch, made, options
from scipy.special import expit, log_softmax, softmax
from sklearn.metrics import f1_score
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

from podium.engine.balance import class_weights, log_prior
from podium.engine.losses import Loss, make_loss

every = pytest.mark.parametrize("case", CASES)
by_row = pytest.mark.parametrize("case", [case for case in CASES if "soft_f1" not in case])


def single(name: str, classes: int = 4, counts: np.ndarray = COUNTS, **keys: Any) -> Loss:
    return make_loss(options(name, **keys), type="single_label", classes=classes, counts=counts)


def labels(name: str, classes: int = 4, **keys: Any) -> Loss:
    return make_loss(options(name, **keys), type="multi_label", classes=classes, counts=np.ones(classes))


def tensors(*arrays: Any) -> list[torch.Tensor]:
    return [torch.as_tensor(array, dtype=torch.float64) for array in arrays]


def numbers(*values: torch.Tensor) -> list[np.ndarray]:
    return [value.numpy() for value in values]


# Each against its source


@pytest.mark.parametrize("smoothing", [0.0, 0.13])
@pytest.mark.parametrize("weighting", [{}, {"class_weight": "balanced"}])
def test_cross_entropy_is_that_of_torch(smoothing: float, weighting: dict[str, str]) -> None:
    loss = single("cross_entropy", smoothing=smoothing, **weighting)
    torch_weight = torch.as_tensor(class_weights(COUNTS, kind=weighting.get("class_weight"), beta=None))
    for hard in (True, False):
        logits, target, weight = batch("cross_entropy", hard=hard)
        theirs = target.argmax(1) if hard else target
        rows = functional.cross_entropy(
            logits, theirs, weight=torch_weight, label_smoothing=smoothing, reduction="none"
        )
        torch.testing.assert_close(loss(logits, target, weight), (weight * rows).sum())


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    target = np.repeat([0, 1, 3], [50, 7, 3])
    expected = compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=target)
    found = class_weights(np.array([50.0, 7, 0, 3]), kind="balanced", beta=None)
    np.testing.assert_allclose(found, np.insert(expected, 2, 1.0))


def test_effective_weights_are_those_of_the_paper() -> None:
    terms = [
        sum(0.9**power for power in range(rows)) for rows in (50, 7, 3)
    ]  # the effective numbers, summed up
    found = class_weights(np.array([50.0, 7, 0, 3]), kind="effective", beta=0.9)
    np.testing.assert_allclose(found[[0, 1, 3]] * terms, np.full(3, found[0] * terms[0]))
    assert found[[0, 1, 3]].sum() == pytest.approx(3)
    assert found[2] == 1
    np.testing.assert_allclose(class_weights(COUNTS, kind="effective", beta=0.0), np.ones(4))
    nearly = class_weights(COUNTS, kind="effective", beta=1 - 1e-9)
    np.testing.assert_allclose(nearly, 4 / COUNTS / (1 / COUNTS).sum(), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("cross_entropy", {}),
        ("focal", {"gamma": 2.0}),
        ("generalized", {"q": 0.7}),
        ("binary", {}),
        ("corn", {}),
    ],
)
def test_class_weights_multiply_the_rows_of_a_class(name: str, keys: dict[str, float]) -> None:
    logits, target, weight = batch("corn" if name == "corn" else "binary", hard=True)
    factor = torch.as_tensor(class_weights(COUNTS, kind="balanced", beta=None))[target.argmax(1)]
    found = single(name, class_weight="balanced", **keys)(logits, target, weight)
    torch.testing.assert_close(found, single(name, **keys)(logits, target, weight * factor))


def test_logit_adjustment_shifts_by_the_prior_in_training_only() -> None:
    logits, target, weight = batch("cross_entropy", hard=True)
    loss = single("cross_entropy", logit_adjustment=1.5)
    log_p = log_softmax(logits.numpy() + 1.5 * np.log(COUNTS / COUNTS.sum()), axis=1)
    expected = -(weight.numpy() * (target.numpy() * log_p).sum(1)).sum()
    assert loss(logits, target, weight).item() == pytest.approx(expected)
    np.testing.assert_allclose(loss.predict(logits), softmax(logits.numpy(), axis=1))
    np.testing.assert_allclose(np.exp(log_prior(np.array([3.0, 0, 1]))), [0.6, 0.2, 0.2])


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_is_the_papers(gamma: float) -> None:
    logits, target, weight = batch("focal", hard=True)
    alpha = class_weights(COUNTS, kind="balanced", beta=None)[target.argmax(1)]
    p = (softmax(logits.numpy(), axis=1) * target.numpy()).sum(1)
    expected = -(weight.numpy() * alpha * (1 - p) ** gamma * np.log(p)).sum()
    loss = single("focal", gamma=gamma, class_weight="balanced")
    assert loss(logits, target, weight).item() == pytest.approx(expected)

    logits, target, weight = batch("labels, focal", hard=True)
    p_t = np.where(target.numpy() == 1, expit(logits.numpy()), 1 - expit(logits.numpy()))
    expected = -(weight.numpy() * ((1 - p_t) ** gamma * np.log(p_t)).mean(1)).sum()
    assert labels("focal", gamma=gamma)(logits, target, weight).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("limit", "same"),
    [
        (("focal", {"gamma": 0.0, "class_weight": "balanced"}), {"class_weight": "balanced"}),
        (("generalized", {"q": 1e-7, "class_weight": "balanced"}), {"class_weight": "balanced"}),
        (("symmetric", {"alpha": 1.0, "beta": 0.0}), {}),
        (("cross_entropy", {"smoothing": 0.0, "logit_adjustment": 0.0}), {}),
    ],
)
def test_limits_are_cross_entropy(limit: tuple[str, dict[str, Any]], same: dict[str, Any]) -> None:
    loss, reference = single(limit[0], **limit[1]), single("cross_entropy", **same)
    for name in ("symmetric", "focal"):
        rows = batch(name)
        torch.testing.assert_close(loss(*rows), reference(*rows), rtol=1e-5, atol=0)


def test_generalized_is_the_papers_and_half_the_mean_absolute_error_at_one() -> None:
    logits, target, weight = batch("generalized", hard=True)
    proba = softmax(logits.numpy(), axis=1)
    rows = (1 - (proba * target.numpy()).sum(1) ** 0.7) / 0.7
    assert single("generalized", q=0.7)(logits, target, weight).item() == pytest.approx(
        (weight.numpy() * rows).sum()
    )
    errors = np.abs(proba - target.numpy()).sum(1) / 2
    assert single("generalized", q=1.0)(logits, target, weight).item() == pytest.approx(
        (weight.numpy() * errors).sum()
    )


def test_symmetric_is_the_papers() -> None:
    loss = single("symmetric", alpha=0.5, beta=2.0)
    for hard in (True, False):
        logits, target, weight = batch("symmetric", hard=hard)
        p, t, w = numbers(torch.softmax(logits, 1), target, weight)
        with np.errstate(divide="ignore"):
            log_t = np.maximum(np.log(t), -4.0)
        rows = -0.5 * (t * np.log(p)).sum(1) - 2.0 * (p * log_t).sum(1)
        assert loss(logits, target, weight).item() == pytest.approx((w * rows).sum())
        if hard:  # section 3.2: the reverse part is -A times the probability of the other classes
            reverse = (single("symmetric", alpha=0.0, beta=1.0)(logits, target, weight)).item()
            assert reverse == pytest.approx((w * 4 * (1 - (t * p).sum(1))).sum())


def test_binary_is_that_of_torch() -> None:
    logits, target, weight = batch("labels, binary")
    rows = functional.binary_cross_entropy_with_logits(logits, target, reduction="none").mean(1)
    torch.testing.assert_close(labels("binary")(logits, target, weight), (weight * rows).sum())

    logits, target, weight = batch("binary")
    rows = functional.binary_cross_entropy_with_logits(logits, target, reduction="none").mean(1)
    loss = single("binary")
    torch.testing.assert_close(loss(logits, target, weight), (weight * rows).sum())
    sigmoids = expit(logits.numpy())
    np.testing.assert_allclose(loss.predict(logits), sigmoids / sigmoids.sum(1, keepdims=True))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 9999), st.sampled_from(["single_label", "multi_label"]), st.integers(1, 12))
def test_soft_f1_is_that_of_scikit_learn_at_hard_predictions(seed: int, kind: Any, rows: int) -> None:
    generator = np.random.default_rng(seed)
    shape, weight = (rows, 4), generator.uniform(0.5, 2, size=rows)
    if kind == "single_label":
        target, guess = (np.eye(4)[generator.integers(4, size=rows)] for _ in range(2))
    else:
        target, guess = (generator.integers(2, size=shape) for _ in range(2))
    loss = make_loss(options("soft_f1"), type=kind, classes=4, counts=COUNTS)
    found = loss(*tensors(np.where(guess == 1, 1e4, -1e4), target, weight)).item()
    present = np.flatnonzero(target.any(0))
    if kind == "single_label":
        target, guess = target.argmax(1), guess.argmax(1)
    score = 0.0
    if len(present):
        score = f1_score(
            *(target, guess), labels=present, average="macro", sample_weight=weight, zero_division=0.0
        )
    assert found == pytest.approx((1 - score) * weight.sum())


def test_soft_f1_is_that_of_soft_counts() -> None:
    logits, target, weight = batch("labels, soft_f1")
    p, t, w = expit(logits.numpy()), target.numpy(), weight.numpy()[:, None]
    tp, fp, fn = (w * t * p).sum(0), (w * (1 - t) * p).sum(0), (w * t * (1 - p)).sum(0)
    expected = (1 - (2 * tp / (2 * tp + fp + fn)).mean()) * w.sum()
    assert labels("soft_f1")(logits, target, weight).item() == pytest.approx(expected)


def corn_of_the_paper(logits: np.ndarray, label: np.ndarray, classes: int) -> float:
    """Binary cross-entropies over the conditional training subsets, over the number of their rows."""
    total, count = 0.0, 0
    for task in range(classes - 1):
        subset = label > task - 1
        logit, above = logits[subset, task], (label[subset] > task).astype(float)
        total -= (np.log(expit(logit)) * above + (np.log(expit(logit)) - logit) * (1 - above)).sum()
        count += subset.sum()
    return float(total / count)


@pytest.mark.parametrize("classes", [2, 3, 5, 9])
def test_corn_is_the_papers_over_the_training_part(classes: int) -> None:
    generator = np.random.default_rng(3)
    label = generator.integers(classes, size=40)
    logits = generator.normal(size=(40, classes - 1)) * 3
    loss = single("corn", classes, np.bincount(label, minlength=classes))
    assert loss.outputs == classes - 1
    found = loss(*tensors(logits, np.eye(classes)[label], np.ones(40))).item() / 40
    assert found == pytest.approx(corn_of_the_paper(logits, label, classes))

    above = np.cumprod(expit(logits), axis=1)  # P(y > k), as published code predicts
    edges = np.hstack([np.ones((40, 1)), above, np.zeros((40, 1))])
    proba = loss.predict(torch.as_tensor(logits)).numpy()
    np.testing.assert_allclose(proba, -np.diff(edges, axis=1), atol=1e-12)
    if classes == 2:
        rows = functional.binary_cross_entropy_with_logits(*tensors(logits[:, 0], label))
        assert found == pytest.approx(rows.item())


def test_regression_losses_are_those_of_torch() -> None:
    logits, target, weight = batch("mse", 3)
    for case, rows in (
        ("mse", functional.mse_loss(logits, target, reduction="none")),
        ("huber", functional.huber_loss(logits, target, reduction="none", delta=0.8)),
    ):
        loss = made(case, 3)
        torch.testing.assert_close(loss(logits, target, weight), (weight * rows.mean(1)).sum())
        assert loss.predict(logits) is logits


# What all must keep


@every
def test_gradients(case: str) -> None:
    for hard in (True, False):
        logits, target, weight = batch(case, rows=3, hard=hard)
        loss = made(case)
        assert torch.autograd.gradcheck(lambda z: loss(z, target, weight), logits.requires_grad_())  # noqa: B023


@by_row
def test_a_batch_is_the_sum_of_its_parts(case: str) -> None:
    loss, rows = made(case), batch(case, rows=13, dtype=torch.float32)
    split = zip(*(tensor.split([5, 1, 7]) for tensor in rows), strict=True)
    torch.testing.assert_close(sum(loss(*part) for part in split), loss(*rows), rtol=1e-6, atol=0)


@every
def test_a_weight_is_a_row_repeated_and_none_is_a_row_left_out(case: str) -> None:
    loss = made(case)
    logits, target, _ = batch(case, rows=5)
    times = torch.tensor([2, 1, 0, 3, 1])
    again = [tensor.repeat_interleave(times, dim=0) for tensor in (logits, target)]
    torch.testing.assert_close(loss(logits, target, times), loss(*again, torch.ones(7)))


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if CASES[case][0] == "single_label" and case not in ("symmetric", "soft_f1")],
)
def test_a_soft_target_is_a_mixture_of_hard_ones(case: str) -> None:
    loss = made(case)
    logits, target, weight = batch(case)
    hard = torch.eye(4, dtype=torch.float64)
    mixture = sum(loss(logits, hard[[k] * len(logits)], weight * target[:, k]) for k in range(4))
    torch.testing.assert_close(loss(logits, target, weight), mixture)


@every
@pytest.mark.parametrize("classes", [2, 5, 1000])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_extreme_logits_stay_finite(case: str, classes: int, dtype: torch.dtype) -> None:
    loss = made(case, classes)
    logits, target, weight = batch(case, classes, rows=4, hard=True)
    for extreme in (
        logits.sign() * 1e4,
        torch.full_like(logits, 1e4),
        torch.full_like(logits, -1e4),
        logits * 0,
    ):
        for rows in (slice(0, 1), slice(0, 4)):
            given_logits = extreme[rows].to(dtype).requires_grad_()
            value = loss(given_logits, target[rows].float(), weight[rows].float())
            value.backward()
            assert value.dtype == torch.float32
            assert value.isfinite()
            assert given_logits.grad is not None
            assert given_logits.grad.isfinite().all()
            proba = loss.predict(given_logits.detach())
            assert proba.isfinite().all()
            if CASES[case][0] == "single_label":
                torch.testing.assert_close(proba.sum(1), torch.ones(len(proba)))
    if (
        CASES[case][0] == "single_label"
        and loss.link != "ordinal"
        and "all keys" not in case
        and "f1" not in case
    ):
        right = loss((2 * target.float() - 1) * 1e4, target.float(), weight.float())
        assert right.abs() < 1e-4  # the right class for certain costs nothing


@every
def test_half_precision_and_autocast_change_nothing_but_the_logits(case: str) -> None:
    loss = made(case)
    logits, target, weight = batch(case, dtype=torch.float32)
    half = logits.bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside, predicted = loss(half, target, weight), loss.predict(half)
    assert torch.equal(inside, loss(half.float(), target, weight))
    assert predicted.dtype == torch.float32
    assert loss.predict(logits.double()).dtype == torch.float64
    precise = loss(*(tensor.double() for tensor in (logits, target, weight)))
    assert precise.dtype == torch.float64
    torch.testing.assert_close(loss(logits, target, weight).double(), precise, rtol=1e-5, atol=1e-5)


@every
def test_nothing_in_a_step_depends_on_values_on_the_device(case: str) -> None:
    """Tensors without data refuse every host synchronisation and boolean index."""
    loss = made(case).to("meta")
    logits, target, weight = (tensor.to("meta") for tensor in batch(case, dtype=torch.float32))
    loss(logits.requires_grad_(), target, weight).backward()
    assert loss.predict(logits.detach()).shape == target.shape


@every
def test_a_class_without_rows_is_no_trouble(case: str) -> None:
    kind, chosen = CASES[case]
    loss = make_loss(chosen, type=kind, classes=4, counts=np.array([9.0, 0, 3, 0]))
    for hard in (True, False):
        logits, target, weight = batch(case, hard=hard)
        assert loss(logits, target, weight).isfinite()


def test_wrong_shapes_counts_and_options_are_refused() -> None:
    logits, target, weight = batch("cross_entropy")
    for wrong in (
        (logits, target, weight[:, None]),
        (logits, target[:1], weight),
        (logits[:, :3], target, weight),
    ):
        with pytest.raises(ValueError, match="shapes"):
            single("cross_entropy")(*wrong)
    for counts in (np.ones(3), np.zeros(4), np.array([1, 1, 1, -1]), np.array([1, 1, 1, np.nan])):
        with pytest.raises(ValueError, match="counts must be 4"):
            single("cross_entropy", counts=counts)
    with pytest.raises(ValueError, match=r"gamma: belongs to focal.*; q: must be above 0"):
        single("generalized", q=0.0, gamma=2.0)


def test_every_option_changes_its_loss() -> None:
    """A key that ``make_loss`` forgot would change nothing."""
    changes = {
        "effective_beta": 0.5, "smoothing": 0.2, "logit_adjustment": 0.3, "gamma": 3.0,
        "alpha": 0.9, "beta": 0.7, "q": 0.4, "delta": 0.2, "class_weight": "balanced",
    }  # fmt: skip
    changed = set()
    for case, (kind, chosen) in CASES.items():
        for key, value in changes.items():
            if getattr(chosen, key) in (None, value):
                continue
            other = dataclasses.replace(chosen, **{key: value})
            if key == "class_weight":
                other = dataclasses.replace(other, effective_beta=None)
            loss = make_loss(other, type=kind, classes=4, counts=COUNTS)
            assert loss(*batch(case)) != made(case)(*batch(case)), (case, key)
            changed.add(key)
    assert changed == set(changes)

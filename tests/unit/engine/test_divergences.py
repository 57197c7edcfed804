"""R-Drop and distillation against torch's Kullback-Leibler divergence."""

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, kl_divergence
from torch.nn import functional

from podium.engine.divergences import distillation, r_drop
from podium.engine.links import Link, log_proba

LINKS: tuple[Link, ...] = ("softmax", "sigmoid", "ordinal")
GENERATOR = np.random.default_rng(11)
FIRST, SECOND, THIRD = (torch.as_tensor(GENERATOR.normal(size=(5, 3)) * 2) for _ in range(3))
WEIGHT = torch.as_tensor(GENERATOR.uniform(0.1, 2.0, size=5))


def kl(first: torch.Tensor, second: torch.Tensor, link: Link) -> torch.Tensor:
    """KL (B,) of the first from the second, by torch."""
    if link == "sigmoid":
        return kl_divergence(Bernoulli(logits=first), Bernoulli(logits=second)).mean(1)
    logs = log_proba(first, link), log_proba(second, link)
    return functional.kl_div(logs[1], logs[0], log_target=True, reduction="none").sum(1)


@pytest.mark.parametrize("link", LINKS)
def test_r_drop_is_the_mean_of_both_divergences(link: Link) -> None:
    expected = (WEIGHT * (kl(FIRST, SECOND, link) + kl(SECOND, FIRST, link)) / 2).sum()
    torch.testing.assert_close(r_drop(FIRST, SECOND, WEIGHT, link=link), expected)
    assert r_drop(FIRST, FIRST, WEIGHT, link=link) == 0


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_distillation_is_the_divergence_from_the_heated_teacher(temperature: float) -> None:
    for link in ("softmax", "sigmoid"):
        proba = torch.softmax(SECOND, 1) if link == "softmax" else torch.sigmoid(SECOND)
        rows = kl(SECOND / temperature, FIRST / temperature, link)
        expected = temperature**2 * (WEIGHT * rows).sum()
        torch.testing.assert_close(distillation(FIRST, proba, WEIGHT, temperature, link=link), expected)
    proba = log_proba(SECOND, "ordinal").exp()
    logs = (torch.log_softmax(log_proba(logits, "ordinal") / temperature, 1) for logits in (SECOND, FIRST))
    expected = temperature**2 * (WEIGHT * kl(*logs, "softmax")).sum()
    torch.testing.assert_close(distillation(FIRST, proba, WEIGHT, temperature, link="ordinal"), expected)


@pytest.mark.parametrize("link", LINKS)
def test_gradients(link: Link) -> None:
    proba = torch.sigmoid(THIRD) if link == "sigmoid" else log_proba(THIRD, link).exp()
    first, second = FIRST.clone().requires_grad_(), SECOND.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: r_drop(a, b, WEIGHT, link=link), (first, second))
    assert torch.autograd.gradcheck(lambda a: distillation(a, proba, WEIGHT, 3.0, link=link), first)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("classes", [2, 1000])
@pytest.mark.parametrize("temperature", [0.01, 1.0, 20.0])
def test_extremes_stay_finite_and_never_below_zero(link: Link, classes: int, temperature: float) -> None:
    outputs = classes - (link == "ordinal")
    first = (1e4 * torch.ones(2, outputs)).requires_grad_()
    with torch.no_grad():
        first[1, 0] = -1e4
    teacher = torch.eye(classes)[[0, 1]]
    teacher[0] = 1 / classes
    value = r_drop(first, -first.detach(), torch.ones(2), link=link)
    value = value + distillation(first, teacher, torch.ones(2), temperature, link=link)
    value.backward()
    assert value.isfinite()
    assert value > 0
    assert first.grad is not None
    assert first.grad.isfinite().all()


def test_one_hot_teachers_are_labels_at_any_temperature() -> None:
    teacher = torch.eye(3, dtype=torch.float64)[[0, 2, 1, 1, 0]]
    for temperature in (1.0, 20.0):
        rows = functional.cross_entropy(FIRST / temperature, teacher, reduction="none")
        found = distillation(FIRST, teacher, WEIGHT, temperature, link="softmax")
        torch.testing.assert_close(found, temperature**2 * (WEIGHT * rows).sum())


def test_cold_teachers_do_not_vanish() -> None:
    """(1 / 1000)^100 is no float32; a uniform teacher is uniform at any temperature."""
    logits = torch.linspace(-0.02, 0.02, 1000).unsqueeze(0)
    found = distillation(logits, torch.full((1, 1000), 1e-3), torch.ones(1), 0.01, link="softmax")
    expected = 1e-4 * (torch.logsumexp(logits / 0.01, dim=1) - np.log(1000))[0]  # the mean logit is 0
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=0)


def test_a_row_without_a_teacher_adds_nothing() -> None:
    teacher = torch.softmax(SECOND, 1)
    teacher[3] = 0
    found = distillation(FIRST, teacher, WEIGHT, 2.0, link="softmax")
    kept = [0, 1, 2, 4]
    torch.testing.assert_close(
        found, distillation(FIRST[kept], teacher[kept], WEIGHT[kept], 2.0, link="softmax")
    )


def test_half_precision_logits_are_taken_up_to_single() -> None:
    half = FIRST.bfloat16(), SECOND.bfloat16()
    weight, teacher = WEIGHT.float(), torch.softmax(THIRD, 1).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = (
            r_drop(*half, weight, link="softmax"),
            distillation(half[0], teacher, weight, 2.0, link="softmax"),
        )
    single = [logits.float() for logits in half]
    assert torch.equal(found[0], r_drop(*single, weight, link="softmax"))
    assert torch.equal(found[1], distillation(single[0], teacher, weight, 2.0, link="softmax"))


def test_values_are_no_distribution() -> None:
    with pytest.raises(ValueError, match="identity"):
        r_drop(FIRST, SECOND, WEIGHT, link="identity")
    with pytest.raises(ValueError, match="identity"):
        distillation(FIRST, SECOND, WEIGHT, 1.0, link="identity")
    with pytest.raises(ValueError, match="above 0"):
        distillation(FIRST, SECOND, WEIGHT, 0.0, link="softmax")

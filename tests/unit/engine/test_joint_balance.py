"""Each way to balance the tasks' losses against its formula, worked out by other means, over several steps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from multitask_samples import BALANCE, NAMES, SIZES, make, rows_of_tasks

from podium.engine.multitask.balance import Balance, BalanceOptions, Seen, make_balance
from podium.engine.multitask.objective import JointObjective, last_shared
from podium.errors import UserError

CPU = torch.device("cpu")
LOSSES = torch.tensor(
    [[1.0, 3.0, 2.0], [0.9, 2.0, 2.1], [0.7, 1.5, 1.9], [0.6, 1.4, 1.0], [0.5, 0.7, 0.9], [0.4, 0.2, 1.1]]
)
PRESENT = torch.tensor([[1, 1, 1], [1, 1, 0], [1, 1, 1], [1, 0, 1], [0, 0, 1], [1, 1, 1]]).float()


def balance(method: str, **keys: Any) -> Balance:
    return make_balance(
        BalanceOptions(**BALANCE | {"method": method} | keys),
        tasks=["a", "b", "c"],
        sizes=[2, 3, 10],
        device=CPU,
    )


def seen(step: int, rows: float = 4.0, **more: torch.Tensor) -> Seen:
    present = PRESENT[step]
    return Seen(present, rows * present, LOSSES[step] * present, **more)


def test_fixed_weights_are_of_the_mean_over_tasks() -> None:
    part = balance("fixed", weights={"b": 3.0})
    assert float(part.combined(LOSSES[0], torch.ones(3))) == pytest.approx((1 + 3 * 3 + 2) / 3)
    assert balance("rows").by_rows


def test_uncertainty_is_kendalls_loss_and_learns_its_variances() -> None:
    """L / sigma^2 + log sigma, by gradient descent in sigma itself along the chain rule; absent tasks do not move."""
    part = balance("uncertainty")
    assert part.parameter is not None
    optimizer = torch.optim.SGD([part.parameter], lr=0.5)
    s = np.zeros(3)
    for step in range(6):
        present, losses = PRESENT[step].numpy(), (LOSSES[step] * PRESENT[step]).numpy()
        sigma = np.exp(s / 2)
        wanted = (present * (losses / sigma**2 + np.log(sigma))).sum() / 3
        loss = part.combined(LOSSES[step] * PRESENT[step], PRESENT[step])
        assert loss.item() == pytest.approx(wanted, rel=1e-5)
        np.testing.assert_allclose(part.weights(), sigma**-2, rtol=1e-5)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        # d(L / sigma^2 + log sigma) / d sigma times d sigma / d s
        slope = present * (-2 * losses / sigma**3 + 1 / sigma) * sigma / 2
        s = s - 0.5 * slope / 3
    halves = [part.combined(LOSSES[0] * share, torch.full((3,), share)) for share in (0.25, 0.75)]
    assert sum(halves).item() == pytest.approx(part.combined(LOSSES[0], torch.ones(3)).item(), rel=1e-6)


@pytest.mark.parametrize("interval", [None, 2])
def test_dynamic_weight_average_compares_the_last_two_periods(interval: int | None) -> None:
    part = balance("dwa", interval=interval, temperature=2.0)
    means: list[list[float]] = []
    for step in range(6):
        part.begin(step, step // 2)  # an epoch is two steps here, as long as the interval
        if step < 4:
            assert part.weights().tolist() == pytest.approx([1, 1, 1])
        else:
            ratio = [means[1][t] / means[0][t] for t in range(3)]
            powers = np.exp(np.array(ratio) / 2.0)
            np.testing.assert_allclose(part.weights(), 3 * powers / powers.sum(), rtol=1e-5)
        part.observe(seen(step))
        if step % 2:
            pair = slice(step - 1, step + 1)
            means.append(((LOSSES[pair] * PRESENT[pair]).sum(0) / PRESENT[pair].sum(0)).tolist())
    part.begin(6, 3)  # the second task had no rows in steps 4 and 3, but has some in each period
    assert part.weights().sum().item() == pytest.approx(3)


def test_prioritisation_follows_the_running_accuracy() -> None:
    part = balance("dtp", gamma=2.0, discount=0.3)
    kpi = np.array([1 / 2, 1 / 3, 1 / 10])
    accuracy = np.random.default_rng(0).random((6, 3))
    for step in range(6):
        bounded = kpi.clip(0.01, 0.99)
        weights = -((1 - bounded) ** 2) * np.log(bounded)
        np.testing.assert_allclose(part.weights(), 3 * weights / weights.sum(), rtol=1e-5)
        part.observe(seen(step, accuracy=torch.from_numpy(accuracy[step]).float()))
        here = PRESENT[step].numpy() > 0
        kpi[here] = 0.3 * accuracy[step][here] + 0.7 * kpi[here]


def test_gradient_normalisation_is_the_papers_algorithm() -> None:
    """Against autograd through the norms of the weighted losses' gradients, and torch's Adam, all tasks present."""
    torch.manual_seed(0)
    shared = torch.nn.Parameter(torch.randn(4, 3))
    targets = torch.randn(3, 5, 4)
    inputs = torch.randn(5, 3)
    part = balance("gradnorm", alpha=1.5, rate=0.05)
    weights = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.Adam([weights], lr=0.05)
    first = None
    for _ in range(8):
        losses = [
            ((inputs @ shared.T - target) ** 2).mean() * (1 + number) for number, target in enumerate(targets)
        ]
        stacked = torch.stack(losses)
        first = stacked.detach() if first is None else first
        np.testing.assert_allclose(part.weights(), weights.detach(), rtol=1e-4)
        slopes = [torch.autograd.grad(loss, shared, retain_graph=True)[0] for loss in losses]
        norms = torch.stack(
            [
                torch.autograd.grad(weights[t] * losses[t], shared, create_graph=True)[0].norm()
                for t in range(3)
            ]
        )
        ratio = stacked.detach() / first
        target = (norms.mean() * (ratio / ratio.mean()) ** 1.5).detach()
        optimizer.zero_grad()
        (norms - target).abs().sum().backward()
        optimizer.step()
        with torch.no_grad():
            weights *= 3 / weights.sum()
        part.observe(
            Seen(
                torch.ones(3),
                torch.full((3,), 5.0),
                stacked.detach(),
                norm=torch.stack([slope.norm() for slope in slopes]),
            )
        )
        with torch.no_grad():
            shared -= 0.1 * sum(weight * slope for weight, slope in zip(weights, slopes, strict=True))
    assert np.ptp(part.weights().numpy()) > 0.1


def test_gradient_normalisation_leaves_absent_tasks_alone() -> None:
    part = balance("gradnorm")
    for step in range(6):
        before = part.weights().clone()
        part.observe(seen(step, norm=torch.tensor([1.0, 5.0, 0.2])))
        after, here = part.weights(), PRESENT[step] > 0
        assert after.sum().item() == pytest.approx(3, rel=1e-5)
        if here.sum() < 2:
            torch.testing.assert_close(after, before)
        elif not here.all():  # moved by the scaling alone: as far as all others
            scale = after[~here] / before[~here]
            torch.testing.assert_close(scale, scale[:1].expand_as(scale))


@pytest.mark.parametrize("method", ["dwa", "dtp", "gradnorm"])
def test_a_balance_goes_on_from_its_state(method: str) -> None:
    def told(part: Balance, steps: range) -> None:
        for step in steps:
            part.begin(step, step // 2)
            part.observe(seen(step, accuracy=torch.rand(3), norm=torch.rand(3)))

    torch.manual_seed(0)
    whole = balance(method)
    told(whole, range(6))
    torch.manual_seed(0)
    first, second = balance(method), balance(method)
    told(first, range(3))
    second.load_state_dict({name: value.clone() for name, value in first.state_dict().items()})
    told(second, range(3, 6))
    assert torch.equal(second.weights(), whole.weights())


def test_mistakes_are_told() -> None:
    with pytest.raises(UserError, match=r"there is no 'gradnom'.*gradnorm"):
        balance("gradnom")
    with pytest.raises(UserError, match="there is no task 'd'"):
        balance("fixed", weights={"d": 1.0})
    with pytest.raises(UserError, match="must be above 0"):
        balance("fixed", weights={"a": 0.0})


# ---- what a step tells its balance, and the gradient it makes


class Watched(Balance):
    """Weights of its own, and a record of what it was told."""

    needs_accuracy = needs_norms = True

    def __init__(self) -> None:
        super().__init__(torch.tensor([0.5, 1.5]))
        self.told: list[Seen] = []

    def observe(self, seen: Seen) -> None:
        self.told.append(seen)


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("mode", ["heads", "flat"])
def test_a_step_is_the_mean_over_tasks_of_weighted_means(encoder: Path, mode: str, parts: int) -> None:
    """Gradient, losses, accuracies and norms of a batch in parts, against one plain pass over it."""
    rows, target = rows_of_tasks()
    model = make(encoder, mode=mode, dropout=0.0, epochs=1, loss={"smoothing": 0.1})
    kept: dict[str, Any] = {}
    train = JointObjective.accumulate

    def catch(self: JointObjective, *given: Any) -> torch.Tensor:
        kept.setdefault("objective", self)
        return train(self, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JointObjective, "accumulate", catch)
        model.fit(rows, target, np.linspace(0.5, 1.5, len(rows)))
    objective: JointObjective = kept["objective"]
    network, weighing = objective.network, Watched()
    network.train()
    # The model took the whole table of words back; the objective's rows have the small one's ids
    watched = JointObjective(
        *(network, objective.loss, objective.rows, objective.recipe),
        balance=weighing, names=NAMES, sizes=SIZES, multiple=1,
        embedding=network.encoder.get_input_embeddings(), pooled=network.pooled,
    )  # fmt: skip
    batch = np.arange(3, 20)
    watched.begin(batch, 0, 0)
    network.zero_grad()
    value = sum(watched.accumulate(part, len(batch), 0) for part in np.array_split(batch, parts))
    watched.end()
    found = {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}
    inputs = objective.rows.encoded.batch(batch, CPU, multiple=1)
    logits, own = network(inputs), torch.repeat_interleave(torch.arange(2), torch.tensor(SIZES))
    weight, soft = objective.rows.weight[batch].sum(1), objective.rows.target[batch]
    task = torch.as_tensor(rows["task"].to_numpy()[batch].copy())
    means, norms, hits = [], [], []
    for number in range(2):
        mine, classes = task == number, own == number
        seen_by = slice(None) if mode == "flat" else classes
        truth = soft[mine][:, seen_by]
        truth = 0.9 * truth + 0.1 / truth.shape[1]
        rows_loss = -(truth * torch.log_softmax(logits[mine][:, seen_by], dim=1)).sum(1)
        means.append((weight[mine] * rows_loss).sum() / mine.sum())
        (gradient,) = torch.autograd.grad(means[-1], last_shared(network), retain_graph=True)
        norms.append(gradient.norm().item())
        right = logits[mine][:, classes].argmax(1) == soft[mine][:, classes].argmax(1)
        hits.append(right.float().mean().item())
    network.zero_grad()
    combined = (0.5 * means[0] + 1.5 * means[1]) / 2
    combined.backward()
    assert float(value) == pytest.approx(combined.item(), rel=1e-5)
    for name, parameter in network.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(found[name], parameter.grad, atol=1e-6, rtol=1e-4, msg=name)
    (told,) = weighing.told
    assert told.rows.tolist() == [(task == 0).sum(), (task == 1).sum()]
    assert told.loss.tolist() == pytest.approx([mean.item() for mean in means], rel=1e-5)
    assert told.norm is not None
    assert told.accuracy is not None
    assert told.norm.tolist() == pytest.approx(norms, rel=1e-4)
    assert told.accuracy.tolist() == pytest.approx(hits)

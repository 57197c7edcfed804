"""The inner split that chooses the checkpoint, and the keeper of the best weights."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save
from torch import nn

from podium.engine.stopping import BestKeeper, inner_split
from podium.errors import TrainingError, UserError

# ---- the inner split


@st.composite
def training_parts(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, float, int]:
    rows = draw(st.integers(4, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    groups = rng.integers(0, draw(st.integers(2, 60)), rows)
    target = rng.integers(0, draw(st.integers(1, 6)), rows)
    return groups, target, draw(st.sampled_from([0.05, 0.1, 0.2, 0.33, 0.5])), draw(st.integers(0, 99))


@given(training_parts())
@settings(max_examples=150, deadline=None)
def test_groups_stay_whole_and_no_class_leaves_the_training_part(
    part: tuple[np.ndarray, np.ndarray, float, int],
) -> None:
    groups, target, share, seed = part
    alone = np.array([len(np.unique(groups[target == label])) == 1 for label in range(target.max() + 1)])
    # Whether every group is the only one of some class
    stuck = np.isin(groups, groups[alone[target]]).all()
    if len(np.unique(groups)) < 2 or stuck:
        with pytest.raises(UserError, match="stopping: "):
            inner_split(groups, target, share=share, seed=seed)
        return
    held = inner_split(groups, target, share=share, seed=seed)
    assert held.shape == target.shape
    assert held.dtype == bool
    assert held.any()
    assert not held.all()
    assert np.intersect1d(groups[held], groups[~held]).size == 0
    assert np.isin(target, target[~held]).all()
    np.testing.assert_array_equal(held, inner_split(groups, target, share=share, seed=seed))


@pytest.mark.parametrize(("share", "n"), [(0.1, 10), (0.2, 5), (0.15, 7), (0.5, 2)])
def test_every_class_gives_its_share_to_a_row(share: float, n: int) -> None:
    """Where no groups are in the way."""
    target = np.repeat([0, 1, 2, 3], [400, 133, 47, 20])
    held = inner_split(np.arange(600), target, share=share, seed=3)
    counts = np.bincount(target[held])
    assert (np.abs(counts - np.bincount(target) / n) < 1).all()
    assert abs(held.sum() - 600 / n) <= 1


def test_groups_are_as_near_to_the_shares_as_they_can() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 150, 600)
    target = rng.choice(3, 600, p=[0.6, 0.3, 0.1])
    held = inner_split(groups, target, share=0.2, seed=0)
    shares = np.bincount(target[held]) / np.bincount(target)
    np.testing.assert_allclose(shares, 0.2, atol=0.035)
    # A draw of groups at random is several times as far off
    far = []
    for seed in range(200):
        chosen = np.isin(groups, np.random.default_rng(seed).permutation(150)[:30])
        far.append(np.abs(np.bincount(target[chosen], minlength=3) / np.bincount(target) - 0.2).max())
    assert np.abs(shares - 0.2).max() < 0.5 * np.median(far)


def test_another_seed_is_another_split() -> None:
    target = np.arange(100) % 2
    one, other = (inner_split(np.arange(100), target, share=0.2, seed=seed) for seed in (0, 1))
    assert (one != other).any()


def test_values_are_stratified_by_size_and_rows_of_several_labels_by_each() -> None:
    rng = np.random.default_rng(0)
    values = rng.lognormal(size=(500, 1))
    held = inner_split(np.arange(500), values, share=0.1, seed=0)
    fifth = np.searchsorted(np.quantile(values, [0.2, 0.4, 0.6, 0.8]), values[:, 0])
    assert np.bincount(fifth[held]).tolist() == [10] * 5
    labels = (rng.random((500, 3)) < [0.5, 0.2, 0.04]).astype(np.float32)
    held = inner_split(np.arange(500), labels, share=0.1, seed=0)
    assert (np.abs(labels[held].sum(axis=0) - labels.sum(axis=0) / 10) < 1.5).all()
    assert held.sum() == pytest.approx(50, abs=1)
    # The only two rows of a label are one another's near-duplicates: they must be learnt from
    rare = np.zeros((500, 4), dtype=np.float32)
    rare[:, :3], rare[[7, 8], 3] = labels, 1
    groups = np.arange(500)
    groups[8] = 7
    for seed in range(20):
        assert not inner_split(groups, rare, share=0.5, seed=seed)[[7, 8]].any()


@pytest.mark.parametrize(
    ("groups", "target", "message"),
    [
        (np.zeros(5, dtype=int), np.arange(5) % 2, "no inner split can be made of 1 independent groups"),
        (np.arange(4), np.arange(4), "none can be held out"),
    ],
)
def test_splits_that_cannot_be_made(groups: np.ndarray, target: np.ndarray, message: str) -> None:
    with pytest.raises(UserError, match=message):
        inner_split(groups, target, share=0.2, seed=0)


# ---- the best checkpoint


def network(value: float) -> nn.Module:
    """Weights and a buffer that tell which one they are."""
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    with torch.no_grad():
        for tensor in module.state_dict().values():
            tensor.fill_(value)
    return module


SCORES = [0.5, 0.7, 0.7, float("nan"), 0.6, 0.9, 0.1, 0.2, 0.3]


def test_the_first_of_the_best_comes_back() -> None:
    keeper, module = BestKeeper(patience=None), network(0)
    for step, score in enumerate(SCORES[:5]):
        module.load_state_dict(network(step).state_dict())
        assert keeper.update(score, step=step, network=module) == (step in (0, 1))
    assert (keeper.score, keeper.step, keeper.stale, keeper.stop) == (0.7, 1, 3, False)
    keeper.restore(module)
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, network(1).state_dict()[name]), name
    keeper.update(0.9, step=5, network=network(5))
    keeper.restore(module)
    assert torch.equal(module.state_dict()["0.weight"], torch.full((2, 2), 5.0))


@pytest.mark.parametrize(("patience", "last"), [(1, 2), (2, 3), (3, 4), (4, None), (None, None)])
def test_patience(patience: int | None, last: int | None) -> None:
    """Stops after that many evaluations in a row without a better one."""
    keeper = BestKeeper(patience=patience)
    stopped = None
    for step, score in enumerate(SCORES[:8]):
        keeper.update(score, step=step, network=network(step))
        stopped = step if keeper.stop and stopped is None else stopped
    assert stopped == last


@pytest.mark.parametrize("stop", range(len(SCORES)))
def test_a_resumed_keeper_is_the_same(stop: int) -> None:
    """At any moment, through a file."""
    whole, before = BestKeeper(patience=3), BestKeeper(patience=3)
    for step, score in enumerate(SCORES):
        whole.update(score, step=step, network=network(step))
        if step < stop:
            before.update(score, step=step, network=network(step))
    saved = save(before.state_dict())
    for step, score in enumerate(SCORES[stop:]):  # what is saved must not be changed from behind
        before.update(score + 1, step=step, network=network(-step))
    resumed = BestKeeper(patience=3)
    resumed.load_state_dict(load(saved))
    for step in range(stop, len(SCORES)):
        resumed.update(SCORES[step], step=step, network=network(step))
    assert (resumed.step, resumed.stale, resumed.stop) == (whole.step, whole.stale, whole.stop)
    ours, theirs = resumed.state_dict(), whole.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_copies_are_its_own() -> None:
    keeper, module = BestKeeper(patience=None), network(1)
    keeper.update(0.0, step=0, network=module)
    state = copy.deepcopy(keeper.state_dict())
    with torch.no_grad():
        module[0].weight.fill_(9)  # type: ignore[index]
    assert all(torch.equal(tensor, state[name]) for name, tensor in keeper.state_dict().items())
    assert {tensor.device.type for tensor in state.values()} == {"cpu"}


def test_nothing_to_restore() -> None:
    keeper = BestKeeper(patience=1)
    keeper.update(float("nan"), step=0, network=network(0))
    with pytest.raises(TrainingError, match=r"no epoch's score .* is a number"):
        keeper.restore(network(0))

"""Parts of joint training: forms of rows, what epochs draw, losses on slices, the network, the best epochs."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from multitask_samples import make, rows_of_tasks
from transformers import AutoTokenizer

from podium import tokens
from podium.engine.inputs import InputOptions
from podium.engine.loss_options import LossOptions
from podium.engine.losses import make_loss
from podium.engine.mixing import Mixup, MixupOptions
from podium.engine.multitask.forms import compose_forms, full_lengths_of_forms, pairs
from podium.engine.multitask.losses import JointLoss, owned
from podium.engine.multitask.network import TaskQueries
from podium.engine.multitask.sampling import NEVER, Sampler, apportion, exponent
from podium.engine.multitask.stopping import TaskKeeper, inner_rows
from podium.engine.pooling import Shape, TaskQuery
from podium.engine.states import States
from podium.engine.template import Template
from podium.errors import TrainingError, UserError

# ---- single texts and pairs in one run


def test_each_row_has_the_tokens_and_types_of_its_own_form(encoder: Path) -> None:
    """As the tokenizer itself encodes it."""
    rows, _ = rows_of_tasks()
    pair = pairs(rows)
    assert (pair == (rows["task"] == 1)).all()
    table = tokens.tokenise(encoder, rows)
    template = Template.of(tokens.open_tokenizer(encoder))
    options = InputOptions(
        max_length=12, max_cut=0, truncation="head", head_share=0.25, long_texts="cut", max_chunks=2,
        chunk_overlap=0,
    )  # fmt: skip
    encoded = compose_forms(table, pair, template, options, max_length=12)
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    lost = whole = cut = 0
    for row, (first, second) in enumerate(zip(rows["text_a"], rows["text_b"], strict=True)):
        texts = (first, second) if pair[row] else (first,)
        wanted = tokenizer(*texts, truncation="longest_first", max_length=12)
        part = slice(encoded.offsets[row], encoded.offsets[row + 1])
        assert encoded.tokens[part].tolist() == wanted["input_ids"]
        assert encoded.types is not None
        assert encoded.types[part].tolist() == wanted["token_type_ids"]
        uncut = tokenizer(*texts)["input_ids"]
        lost += len(uncut) - len(wanted["input_ids"])
        whole += len(uncut) - (3 if pair[row] else 2)
        cut += len(uncut) > len(wanted["input_ids"])
        assert full_lengths_of_forms(table, pair, template)[row] == len(uncut)
    assert encoded.rows_cut == pytest.approx(cut / len(rows))
    assert encoded.tokens_cut == pytest.approx(lost / whole)


def test_chunks_of_both_forms_stay_with_their_rows(encoder: Path) -> None:
    rows, _ = rows_of_tasks()
    table = tokens.tokenise(encoder, rows)
    template = Template.of(tokens.open_tokenizer(encoder))
    options = InputOptions(
        max_length=9, max_cut=0, truncation="head", head_share=0.25, long_texts="chunks", max_chunks=3,
        chunk_overlap=0,
    )  # fmt: skip
    pair = pairs(rows)
    joint = compose_forms(table, pair, template, options, max_length=9)
    assert (np.diff(joint.row_of) >= 0).all()
    assert joint.chunked
    for form in (False, True):
        mine = np.flatnonzero(pair == form)
        alone = compose_forms(table[pair == form], pair[mine], template, options, max_length=9)
        for place, row in enumerate(mine):
            for a, b in itertools.zip_longest(
                np.flatnonzero(joint.row_of == row), np.flatnonzero(alone.row_of == place)
            ):
                np.testing.assert_array_equal(
                    joint.tokens[joint.offsets[a] : joint.offsets[a + 1]],
                    alone.tokens[alone.offsets[b] : alone.offsets[b + 1]],
                )


# ---- what epochs draw


@given(st.lists(st.integers(0, 500), min_size=1, max_size=6), st.floats(0, 1), st.integers(0, 2000))
def test_draws_are_dealt_in_proportion(sizes: list[int], power: float, total: int) -> None:
    counts = apportion(total, np.array(sizes), power)
    weights = np.array([size**power if size else 0.0 for size in sizes])
    if not weights.sum():
        assert not counts.any()
        return
    assert counts.sum() == total
    np.testing.assert_array_less(np.abs(counts - total * weights / weights.sum()), 1 + 1e-6)
    assert not counts[np.array(sizes) == 0].any()
    assert (apportion(sum(sizes), np.array(sizes), 1.0) == sizes).all()


def test_exponents_are_the_papers() -> None:
    assert [exponent("annealed", e - 1, 5) for e in range(1, 6)] == pytest.approx(
        [1 - 0.8 * (e - 1) / (5 - 1) for e in range(1, 6)]
    )
    assert exponent("annealed", 0, 1) == exponent("proportional", 3, 5) == 1
    assert (exponent("square_root", 0, 9), exponent("equal", 0, 9)) == (0.5, 0)
    with pytest.raises(ValueError, match="none of"):
        exponent("often", 0, 1)


TASK = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [90, 9, 36]))
EVERY = np.arange(len(TASK))
GOING = np.full(3, NEVER)


def epochs(method: str, count: int, stopped: np.ndarray = GOING, seed: int = 0) -> list[np.ndarray]:
    sampler = Sampler(method, TASK, 3, lambda epoch: EVERY, seed=seed)
    return [sampler.rows(epoch, epochs=count, stopped=stopped) for epoch in range(count)]


@pytest.mark.parametrize(("method", "power"), [("proportional", 1), ("square_root", 0.5), ("equal", 0)])
def test_rows_of_a_task_are_drawn_alike_often(method: str, power: float) -> None:
    """Frequencies of tasks by the formula; within a task counts differ by one at most, after every epoch."""
    drawn = np.zeros(len(TASK), dtype=int)
    shares = np.array([90, 9, 36]) ** power / (np.array([90, 9, 36]) ** power).sum()
    for rows in epochs(method, 7):
        assert len(rows) == len(TASK)
        np.add.at(drawn, rows, 1)
        assert np.abs(np.bincount(TASK[rows]) - len(TASK) * shares).max() < 1
        for task in range(3):
            assert np.ptp(drawn[task == TASK]) <= 1
    if method == "proportional":
        assert (drawn == 7).all()


def test_epochs_are_a_function_of_seed_and_number() -> None:
    """Asked for in any order, as a resumed run does; another seed draws others."""
    told = epochs("annealed", 5)
    sampler = Sampler("annealed", TASK, 3, lambda epoch: EVERY, seed=0)
    for epoch in (3, 1, 4, 0):
        np.testing.assert_array_equal(
            sampler.rows(epoch, epochs=5, stopped=np.array([NEVER, NEVER, NEVER])), told[epoch]
        )
    assert any((a != b).any() for a, b in zip(told, epochs("annealed", 5, seed=1), strict=True))
    counts = [np.bincount(TASK[rows]) for rows in told]
    assert (np.diff([count[1] for count in counts]) > 0).all()
    assert counts[0].tolist() == [90, 9, 36]


def test_a_stopped_task_is_no_longer_drawn_and_the_others_as_before() -> None:
    whole, stopped = epochs("square_root", 4), epochs("square_root", 4, np.array([2, NEVER, NEVER]))
    for epoch, (a, b) in enumerate(zip(whole, stopped, strict=True)):
        np.testing.assert_array_equal(a[(TASK[a] > 0) | (epoch < 2)], b)


def test_made_rows_are_drawn_in_their_turns() -> None:
    sampler = Sampler("equal", TASK, 3, lambda epoch: EVERY[epoch % 2 == EVERY % 2], seed=0)
    for epoch in range(4):
        assert (sampler.rows(epoch, epochs=4, stopped=GOING) % 2 == epoch % 2).all()


# ---- losses


def loss_options(name: str, **keys: float | str) -> LossOptions:
    usual = {"focal": {"gamma": 2.0}, "symmetric": {"alpha": 1.0, "beta": 1.0}, "generalized": {"q": 0.7}}
    empty = dict.fromkeys(
        (
            "class_weight",
            "effective_beta",
            "smoothing",
            "logit_adjustment",
            "gamma",
            "alpha",
            "beta",
            "q",
            "delta",
        )
    )
    return LossOptions(name=name, **empty | usual.get(name, {}) | keys)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        loss_options("cross_entropy", smoothing=0.1, class_weight="balanced", logit_adjustment=1.0),
        *(loss_options(name) for name in ("focal", "symmetric", "generalized", "binary", "soft_f1", "corn")),
    ],
    ids=lambda options: options.name,
)
def test_a_joint_loss_is_that_of_each_task_alone(options: LossOptions) -> None:
    """On the task's rows and its own logits; gradients, divergences and predictions, too."""
    random = torch.Generator().manual_seed(0)
    task = torch.tensor([0, 1, 1, 0, 2, 1, 2, 0])
    sizes, counts = (3, 4, 2), [np.array([5.0, 1, 2]), np.array([1.0, 2, 3, 4]), np.array([1.0, 9])]
    losses = [
        make_loss(options, type="single_label", classes=size, counts=count)
        for size, count in zip(sizes, counts, strict=True)
    ]
    joint = JointLoss(losses, sizes, flat=False)
    logits = torch.randn(8, joint.outputs, generator=random, requires_grad=True)
    other = torch.randn(8, joint.outputs, generator=random)
    target = torch.rand(8, 9, generator=random) * torch.from_numpy(owned(sizes))[task]
    target = target / target.sum(dim=1, keepdim=True)
    weight = torch.rand(8, generator=random)
    spread = weight[:, None] * torch.nn.functional.one_hot(task, 3)
    totals = joint(logits, target, spread)
    gradient = torch.autograd.grad(totals.sum(), logits)[0]
    proba = joint.predict(logits)
    wide, classes = joint.owns, [slice(0, 3), slice(3, 7), slice(7, 9)]
    expected = torch.zeros_like(gradient)
    for number, loss in enumerate(losses):
        mine = task == number
        own = logits.detach()[mine][:, wide[number]].requires_grad_()
        alone = loss(own, target[mine][:, classes[number]], weight[mine])
        torch.testing.assert_close(totals[number], alone)
        expected[mine.nonzero(), torch.arange(joint.outputs)[wide[number]]] = torch.autograd.grad(alone, own)[
            0
        ]
        torch.testing.assert_close(proba[mine][:, classes[number]], loss.predict(own))
        from podium.engine.divergences import distillation, r_drop

        link = loss.link
        pair = (own, other[mine][:, wide[number]], weight[mine])
        torch.testing.assert_close(joint.divergence(logits, other, spread)[number], r_drop(*pair, link=link))
        taught = (own, target[mine][:, classes[number]], weight[mine], 2.0)
        torch.testing.assert_close(
            joint.distilled(logits, target, spread, 2.0)[number], distillation(*taught, link=link)
        )
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("name", ["cross_entropy", "binary"])
def test_a_flat_loss_sees_all_classes_and_predicts_those_of_the_task(name: str) -> None:
    sizes = (3, 2)
    one = make_loss(loss_options(name), type="single_label", classes=5, counts=np.ones(5))
    joint = JointLoss([one], sizes, flat=True)
    logits, task = torch.randn(6, 5, generator=torch.Generator().manual_seed(1)), torch.arange(6) % 2
    target = torch.nn.functional.one_hot(3 * task, 5).float()
    spread = torch.nn.functional.one_hot(task, 2).float()
    torch.testing.assert_close(joint(logits, target, spread).sum(), one(logits, target, torch.ones(6)))
    whole, found = one.predict(logits), joint.predict(logits)
    for part in (slice(0, 3), slice(3, 5)):
        torch.testing.assert_close(found[:, part], whole[:, part] / whole[:, part].sum(dim=1, keepdim=True))


# ---- the network


def test_one_task_query_is_the_pooling_by_one_query() -> None:
    shape = Shape(hidden=12, heads=3, layers=2, dropout=0.0)
    torch.manual_seed(0)
    single, several = TaskQuery(shape), TaskQueries(shape, 3)
    states = torch.randn(5, 7, 12)
    mask = torch.arange(7) < torch.tensor([[7], [3], [1], [5], [7]])
    task = torch.tensor([2, 0, 1, 2, 0])
    found = several(States((states,), mask, None, torch.nn.functional.one_hot(task, 3).float()))
    for number in range(3):
        single.load_state_dict(several.state_dict() | {"query": several.query[number]})
        alone = single(States((states,), mask, None))
        torch.testing.assert_close(found[task == number], alone[task == number])


def test_task_types_are_added_to_the_words_of_every_token(encoder: Path) -> None:
    """Against transformers' own encoder, fed with word embeddings plus the task's row."""
    rows, target = rows_of_tasks()
    model = make(encoder, mode="flat", pooling="cls", epochs=1)
    model.fit(rows, target, np.ones(len(rows)))
    network = model.network.eval()
    encoded = model._encode(rows)
    batch = encoded.batch(np.arange(6), torch.device("cpu"), multiple=1)
    with torch.no_grad():
        found = network(batch)
        words = network.encoder.embeddings.word_embeddings(batch.inputs["input_ids"])
        words = words + network.task_types.weight[batch.tasks][:, None]
        inputs = {name: value for name, value in batch.inputs.items() if name != "input_ids"}
        states = network.encoder(inputs_embeds=words, **inputs).last_hidden_state
        torch.testing.assert_close(found, network.head(states[:, 0]), atol=1e-5, rtol=1e-4)
        assert not network.encoder.embeddings.word_embeddings._forward_hooks
        moved = network.task_types.weight[0] - network.task_types.weight[1]
        assert moved.abs().max() > 1e-3


def test_mixup_partners_are_of_one_task() -> None:
    mixup = Mixup(MixupOptions(where="sentence", alpha=1.0), torch.nn.Identity())
    tasks = torch.tensor([1, 0, 2, 1, 1, 0, 0, 2, 1])
    seen = set()
    for seed in range(40):
        torch.manual_seed(seed)
        partner = mixup.draw(9, torch.device("cpu"), tasks).partner
        assert sorted(partner.tolist()) == list(range(9))
        assert (tasks[partner] == tasks).all()
        seen |= set(enumerate(partner.tolist()))
    assert len(seen) == 4 * 4 + 3 * 3 + 2 * 2


# ---- each task's best epoch


def test_each_task_keeps_its_best_epoch_and_stops_by_its_own_patience() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    keeper = TaskKeeper(2, patience=2)
    scores = [(0.1, 0.5), (0.3, 0.4), (0.3, 0.4), (0.2, 0.9), (0.1, 0.9)]
    for epoch, score in enumerate(scores):
        torch.nn.init.constant_(network.weight, epoch)
        keeper.update(np.array(score), epoch, network)
        other = TaskKeeper(2, patience=2)
        other.load_state_dict({k: v.clone() for k, v in keeper.state_dict().items()})
        keeper = other
    assert keeper.epoch.tolist() == [1, 0]
    assert keeper.stopped.tolist() == [4, 3]  # task 1 does not come back for its 0.9
    assert sorted(keeper.sets) == [0, 1]
    assert keeper.stop
    keeper.restore(network)
    assert network.weight.item() == 1
    never = TaskKeeper(2, patience=None)
    never.update(np.array([0.5, np.nan]), 0, network)
    with pytest.raises(TrainingError, match="held out of task 2 is a number"):
        never.restore(network)


def test_inner_splits_hold_out_rows_of_every_task_and_part_no_cluster() -> None:
    random = np.random.default_rng(0)
    task, target = TASK, TASK * 10 + random.integers(0, 3, len(TASK))
    cluster, real = random.integers(0, 60, len(TASK)), random.random(len(TASK)) < 0.8
    trained, held = inner_rows(task, cluster, real, target, names=["a", "b", "c"], share=0.2, seeds=[1, 2, 3])
    assert not set(cluster[trained]) & set(cluster[held])
    assert real[held].all()
    assert set(task[held]) == set(task[trained]) == {0, 1, 2}
    assert set(EVERY) - set(held) - set(trained) == {
        row for row in EVERY if cluster[row] in cluster[held] and row not in held
    }
    with pytest.raises(UserError, match="task b: stopping: no inner split"):
        inner_rows(
            task,
            np.where(task == 1, 0, cluster + 1),
            real,
            target,
            names=["a", "b", "c"],
            share=0.2,
            seeds=[1] * 3,
        )

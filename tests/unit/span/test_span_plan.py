"""The config of span tasks: what each job depends on and no more, and one line for each mistake."""

import copy
import dataclasses
import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from podium import models
from podium.errors import UserError
from podium.plan_span import SpanPlan
from podium.plans import Plans
from podium.span.pseudo import PseudoOptions
from podium.span.rules import RuleOptions

ROOT = Path(__file__).parents[3]
SPAN: dict[str, Any] = {"type": "span", "train": "a.json", "test": "b.json"}
TABLE = {"question": "q", "context": "c", "answer": "a"}
LABELLED = {"train": "a.csv", "test": "b.csv", "text": ["x"], "target": "y"}
READER = {"kind": "reader", "encoder": "data/bert"}
RAW: dict[str, Any] = {
    "competition": "c",
    "seed": 5,
    "tasks": {"qa": SPAN},
    "text": {"views": {"raw": [], "clean": ["nfkc"]}},
    "augment": {
        "order": {"kind": "shuffle", "copies": 2},
        "asked": {
            "kind": "back_translation",
            "engine": "apertium",
            "through": ["spa", "cat"],
            "segments": "a",
        },
    },
    "models": {
        "quick": {"kind": "retriever", "augment": ["order"], "seeds": [0, 2]},
        "bert": {**READER, "augment": ["order", "asked"], "rounds": 0, "refit": {"epochs": 0.5, "rate": 0.2}},
    },
    "pseudo": {"rounds": 2, "weight": 0.5},
}


def changed(raw: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    raw = copy.deepcopy(raw)
    block = raw
    *parents, last = path.split(".")
    for key in parents:
        block = block.setdefault(key, {})
    block[last] = value
    return raw


def plan_of(raw: dict[str, Any] = RAW) -> SpanPlan:
    plan = Plans.from_raw(copy.deepcopy(raw), ROOT)["qa"]
    assert isinstance(plan, SpanPlan)
    return plan


def blocks(plan: SpanPlan) -> dict[str, str]:
    """What every job of the task depends on."""
    found: dict[str, Any] = {
        "ingest": plan.ingest(),
        "folds": plan.make_folds(),
        "shuffle": plan.shuffle("order"),
        "pseudo": plan.pseudo(1),
        "predict quick": plan.predict("quick-s0"),
        "predict bert": plan.predict("bert-s0"),
        "refit bert": plan.refit("bert-s0", 1),
        "decision": plan.decision(),
        "scores": plan.scores(),
        "submission": plan.submission(),
        "holdout": plan.check_holdout(),
    }
    found |= {
        f"train {member}.{number}": plan.train(member, number, 1) for member, number in plan.member_rounds()
    }
    found |= {f"ensemble {name}": plan.ensemble(name) for name in plan.config.ensemble.names}
    return {name: repr(block) for name, block in found.items()} | {
        "ensemble best": repr(plan.ensemble()),
        "voters": repr(plan.voters()),
    }


DECODING = {"pseudo", "decision", "scores", "ensemble mean", "ensemble blend", "ensemble best"}
QUICK = {f"train quick-s{seed}.{number}" for seed in (0, 2) for number in range(3)}
BERT = {"train bert-s0.0", "refit bert"}


@pytest.mark.parametrize(
    ("path", "value", "redone"),
    [
        ("tasks.qa.decision.candidates", 10, DECODING),
        ("tasks.qa.decision.unanswered", True, DECODING),
        ("tasks.qa.metric", "squad_f1", DECODING),
        ("tasks.qa.pseudo.margin", 3.0, {"pseudo"}),
        ("tasks.qa.data.group", "article", {"ingest", "holdout"}),
        ("tasks.qa.target", "Answer", {"submission", "holdout"}),
        ("models.quick.trees", 9, QUICK),
        ("models.bert.learning_rate", 2e-4, BERT),
        ("models.bert.refit.rate", 0.3, {"refit bert"}),
        ("models.bert.threads", 2, {*BERT, "predict bert"}),
        ("augment.order.copies", 3, {"shuffle", *QUICK, *BERT}),
        ("augment.asked.copies", 2, BERT),
        ("pseudo.weight", 0.7, {name for name in QUICK if not name.endswith(".0")}),
        ("pseudo.voters", ["quick"], {"voters"}),
        ("ensemble.blend.steps", 7, {"ensemble blend", "ensemble best"}),
        ("ensemble.blend.best_first", False, {"ensemble blend", "ensemble best"}),
        ("ensemble.blend.best_first", True, set()),
        ("ensemble.submit", "mean", {"scores"}),
        ("folds.n", 4, {"folds"}),
    ],
)
def test_a_change_redoes_what_depends_on_it(path: str, value: Any, redone: set[str]) -> None:
    before, after = blocks(plan_of()), blocks(plan_of(changed(RAW, path, value)))
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name]} == redone


def test_a_change_of_the_seed_leaves_what_is_not_random() -> None:
    before, after = blocks(plan_of()), blocks(plan_of(changed(RAW, "seed", 6)))
    assert {name for name in before if before[name] != after[name]} == {"folds", "shuffle", *QUICK, *BERT}


def test_blocks_are_what_the_library_takes() -> None:
    plan = plan_of()
    for member in plan.members:
        options = importlib.import_module(models.KINDS[plan.kind(member)].module).Options
        for block in [plan.train(member, 0, 0), *([plan.refit(member, 0)] if member == "bert-s0" else [])]:
            assert {field.name for field in dataclasses.fields(options)} == set(block["options"])
            options(**block["options"])
    RuleOptions(**plan.decision()["options"])
    PseudoOptions(**plan.pseudo(0)["rules"])
    assert [plan.train("quick-s2", number, 0)["rows_of"]["pseudo_weight"] for number in (0, 1)] == [1.0, 0.5]
    assert plan.train("quick-s2", 0, 0)["seed"] == 7
    assert plan.train("bert-s0", 0, 0)["rows_of"]["augment"] == {"order": 2, "asked": 1}


def test_a_refit_goes_on_with_the_fold_s_model_at_smaller_rates() -> None:
    plan = plan_of()
    train, refit = plan.train("bert-s0", 0, 2), plan.refit("bert-s0", 2)
    assert refit["options"]["encoder"] == "results/train/qa/bert-s0/round0/fold2/model/encoder"
    assert refit["options"]["epochs"] == 0.5
    for key in ("learning_rate", "head_learning_rate"):
        assert refit["options"][key] == pytest.approx(0.2 * train["options"][key])
    assert (refit["options"]["warmup"], refit["options"]["stopping"]) == (0.0, None)


def test_what_labels_alone_have_is_left_out() -> None:
    plans = Plans.from_raw(copy.deepcopy(RAW), ROOT)
    plan = plan_of()
    assert (
        plan.judged == plan.trusted() == plan.views_in_use() == plan.token_tables() == plan.tokenizer() == []
    )
    assert plan.overrides() is None
    assert plan.config.ensemble.names == ["mean", "blend"]
    assert not plan.settles("quick-s0")
    assert (plans.labelled(), list(plans.spans)) == ([], ["qa"])
    assert (plans.shuffles(), plans.changes_texts()) == (["order"], ["asked"])


def test_a_competition_of_both_sorts_gives_each_its_models() -> None:
    raw = {**copy.deepcopy(RAW), "tasks": {"qa": SPAN, "topic": LABELLED}}
    raw["models"]["linear"] = {"kind": "linear"}
    plans = Plans.from_raw(raw, ROOT)
    assert (plans.labelled(), list(plans.spans)) == (["topic"], ["qa"])
    assert plans["qa"].members == ["bert-s0", "quick-s0", "quick-s2"]
    assert plans["topic"].members == ["linear-s0"]
    assert blocks(plan_of(raw)) == blocks(plan_of())


def told(raw: dict[str, Any]) -> list[str]:
    with pytest.raises(UserError) as error:
        Plans.from_raw(raw, ROOT)
    return [line.removeprefix("config: ") for line in str(error.value).splitlines()]


MISTAKES: list[tuple[dict[str, Any], str]] = [
    (
        {"tasks.qa.test": "b.csv", "tasks.qa.data": {"question": "q"}},
        "tasks.qa.data.context: b.csv is a table; name its column of contexts",
    ),
    (
        {"tasks.qa.train": "a.tsv", "tasks.qa.data": {"question": "q", "context": "c"}},
        "tasks.qa.data.answer: a.tsv is a table; name its column of answers",
    ),
    (
        {"tasks.qa.train": "a.tsv", "tasks.qa.data": {**TABLE, "group": "article"}},
        "tasks.qa.data.article: a.tsv is a table; name its column of articles, or set group to paragraph",
    ),
    (
        {"models.quick.view": "clean"},
        "models.quick.view: the steps of view clean would move the answers; use a view without steps",
    ),
    (
        {"models.quick.noise": "prune"},
        "models.quick.noise: label noise is not judged in a span task; leave it out",
    ),
    (
        {"models.bert.revision": "v1"},
        "models.bert.revision: only for names on the Hub, but encoder is the folder data/bert",
    ),
    (
        {"models.bert.overlap": 400},
        "models.bert.overlap: 400 must be shorter than what max_length 384 leaves beside a question of max_question 64 "
        "tokens (316); lower it",
    ),
    (
        {"augment.asked.segments": "both"},
        "augment.asked.segments: only questions may be changed in a span task; set it to a",
    ),
    (
        {"augment.order.balance": True},
        "augment.order.balance: means nothing where sentences change places; leave it out",
    ),
    (
        {"augment.asked.filter": {"label": 0.9}, "models.quick.augment": ["asked"]},
        "augment.asked: balance and filter.label are about classes, and a span task has none",
    ),
    (
        {"tasks.qa.decision": {"max_characters": 9, "length_share": 0.5}},
        "tasks.qa.decision.length_share: means nothing beside max_characters; leave it out",
    ),
    (
        {"augment.asked.fresh": 3},
        "augment.asked.fresh: questions are changed once, windows drawn anew by themselves; leave it out",
    ),
    (
        {"augment.asked.max_share": 0.5},
        "augment.asked.max_share: a span task takes copies of every question; lower copies instead",
    ),
    ({"ensemble.methods": ["mean", "stack"]}, "ensemble.methods: stack is not for spans; "),
    ({"ensemble.submit": "stack"}, "ensemble.submit: stack is not for spans; "),
    (
        {"ensemble.mean": {"average": "geometric"}},
        "ensemble.mean: spans are averaged arithmetically and without a temperature; leave both keys out",
    ),
    (
        {"ensemble.blend": {"share": 0.2}},
        "ensemble.blend.share: means nothing beside bags: 1; leave it out",
    ),
    (
        {"ensemble.blend": {"objective": "loss"}},
        "ensemble.blend: weights of spans are searched greedily for the metric; leave other keys out",
    ),
    ({"ensemble.named": {"mine": {"kind": "rank_mean"}}}, "ensemble.named.mine.kind: "),
    ({"tasks.qa.metric": "squad_f"}, "tasks.qa.metric: found 'squad_f'; did you mean 'squad_f1'?"),
    ({"tasks.qa.text": ["x"]}, "tasks.qa.text: unknown key; "),
]
ALONE: list[tuple[dict[str, Any], str]] = [
    (
        {"pseudo.confidence": 0.8},
        "pseudo.confidence: which answers are learned from is told in tasks.qa.pseudo",
    ),
    ({"decision.method": "argmax"}, "decision: how answers are decided is told in tasks.qa.decision"),
    ({"noise.max_share": 0.2}, "noise: label noise is not judged in a span task; take this block out"),
    (
        {"adversarial.auc": 0.7},
        "adversarial: train and test rows are not compared in a span task; take this block out",
    ),
]


@pytest.mark.parametrize(("kind", "room"), [("bert", 61), ("roberta", 60), (None, 60)])
def test_windows_have_room_beside_the_encoder_s_own_tokens(
    kind: str | None, room: int, tmp_path: Path
) -> None:
    if kind is not None:
        (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}), encoding="utf-8")
    block = {**READER, "encoder": f"{tmp_path}/", "max_length": 128, "max_question": 64}
    raw = {**RAW, "augment": {}, "models": {"bert": {**block, "overlap": room - 1}}}
    plan_of(raw)
    (line,) = told(changed(raw, "models.bert.overlap", room))
    assert f"({room}); lower it" in line


def mistaken(raw: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    for path, value in changes.items():
        raw = changed(raw, path, value)
    return raw


@pytest.mark.parametrize(("changes", "line"), MISTAKES + ALONE, ids=lambda value: None)
def test_each_mistake_gets_one_line(changes: dict[str, Any], line: str) -> None:
    lines = told(mistaken(RAW, changes))
    assert len(lines) == 1, lines
    assert lines[0].startswith(line), lines


MIXED = changed(changed(RAW, "tasks.topic", LABELLED), "models.linear", {"kind": "linear"})
SHARED = ("ensemble.methods", "ensemble.submit", "ensemble.mean", "ensemble.blend", "ensemble.named")


@pytest.mark.parametrize(
    ("changes", "line"), [one for one in MISTAKES if not set(one[0]) & set(SHARED)], ids=lambda value: None
)
def test_the_same_mistakes_beside_another_task(changes: dict[str, Any], line: str) -> None:
    lines = told(mistaken(MIXED, changes))
    assert len(lines) == 1, lines
    assert lines[0].startswith(line), lines


@pytest.mark.parametrize("changes", [one[0] for one in ALONE], ids=list("abcd"))
def test_blocks_of_the_other_task_are_no_mistakes(changes: dict[str, Any]) -> None:
    Plans.from_raw(mistaken(MIXED, changes), ROOT)


def test_ensembles_of_labels_stay_with_the_other_task() -> None:
    plans = Plans.from_raw(changed(MIXED, "ensemble.methods", ["stack", "mean"]), ROOT)
    assert {name: plan.config.ensemble.names for name, plan in plans.items()} == {
        "qa": ["mean"],
        "topic": ["stack", "mean"],
    }
    assert told(changed(MIXED, "ensemble.methods", ["stack", "vote"])) == [
        "ensemble.methods: none of stack, vote is for spans; add mean or blend"
    ]


def test_both_sorts_of_kinds_stay_with_their_tasks() -> None:
    given = changed(RAW, "models.linear", {"kind": "linear"})
    assert told(given) == [
        "models.linear.kind: linear cannot do a span task; these can: reader, retriever",
    ]
    given = changed({**RAW, "augment": {}, "tasks": {"t": LABELLED}}, "models", {"m": {"kind": "retriever"}})
    assert told(given)[0].startswith(
        "models.m.kind: retriever cannot do a single_label task; these can: linear,"
    )
    given = changed(MIXED, "models.linear.augment", ["order"])
    assert [line for line in told(given) if "order" in line]

"""What a type of task cannot use is refused where the user asked for it, and off where it is only a default."""

import copy
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from podium import metrics
from podium.config import schema
from podium.config.metric import Metric
from podium.config.span import SpanMetric
from podium.errors import UserError
from podium.models import KINDS
from podium.plan import Plan
from podium.span import metrics as span_metrics
from podium.targets import TaskType
from podium.validation import load

FILES = {"train": "a.csv", "test": "b.csv", "text": ["x"]}
SINGLE = {**FILES, "target": "y"}
MULTI = {**FILES, "type": "multi_label", "target": ["p", "q"], "metric": "micro_f1"}
JOINED = {**MULTI, "target": "tags", "label_separator": ";"}
VALUES = {**FILES, "type": "regression", "target": "y", "metric": "rmse"}
SPAN = {"train": "a.json", "test": "b.json", "type": "span"}


def raw(task: dict[str, Any], **blocks: Any) -> dict[str, Any]:
    return copy.deepcopy(
        {"competition": "c", "tasks": {"t": task}, "models": {"m": {"kind": "linear"}}, **blocks}
    )


def told(given: dict[str, Any]) -> list[str]:
    with pytest.raises(UserError) as error:
        load(given)
    return [line.removeprefix("config: ") for line in str(error.value).splitlines()]


@pytest.mark.parametrize("task", [SINGLE, MULTI, JOINED, VALUES, {**VALUES, "target": ["y", "z"]}])
def test_the_smallest_config_of_each_type_simply_works(task: dict[str, Any]) -> None:
    config = load(raw(task))
    plan = Plan(config, Path())
    single, values = task is SINGLE, task.get("type") == "regression"
    assert config.pseudo.rounds == plan.rounds == (1 if single else 0)
    assert ("vote" in plan.ensembles()) == (not values)
    assert plan.judged == ([] if values else ["t"])
    assert plan.submission()["probabilities"] is False
    proba = {"single_label": "roc_auc", "multi_label": "average_precision"}.get(config.tasks["t"].type)
    if proba:
        assert Plan(load(raw({**task, "metric": proba})), Path()).submission()["probabilities"] is True
    blocks = [
        plan.ingest(),
        plan.make_folds(),
        plan.train("m-s0", 0, 0),
        plan.predict("m-s0"),
        plan.decision(),
    ]
    blocks += [plan.ensemble(), plan.scores(), plan.submission()]
    assert {block["type"] for block in blocks} == {task.get("type", "single_label")}
    assert not {"type", "metric"} & plan.ingest_test().keys()


def test_every_metric_of_the_config_is_one_of_some_type_and_no_other_is() -> None:
    labelled = {type_: metrics.METRICS[type_] for type_ in get_args(TaskType)}
    assert set(get_args(Metric)) == {name for found in labelled.values() for name in found}
    assert set(metrics.METRICS) - set(labelled) == {"span"}
    assert set(get_args(SpanMetric)) == set(metrics.METRICS["span"]) == set(span_metrics.METRICS)
    for type_, task in (("single_label", SINGLE), ("multi_label", MULTI), ("regression", VALUES)):
        for metric in get_args(Metric):
            given = raw({**task, "metric": metric})
            if metric in metrics.METRICS[type_]:
                load(given)
            else:
                (line,) = told(given)
                assert line.startswith(f"tasks.t.metric: {metric} is no metric of a ")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("macro_f2.0", "macro_f2"),
        ("f1.0", "f1"),
        ({"name": "f_beta", "beta": 0.5}, "f0.5"),
        ({"name": "weighted_f_beta", "beta": 1}, "weighted_f1"),
        ({"name": "mcc"}, "mcc"),
        ({"name": "map_at_k", "k": 3}, "map_at_3"),
        ({"name": "top_k_accuracy", "k": 5}, "top_5_accuracy"),
        ("metrics/mine.py", "metrics/mine.py"),
        ("metrics/mine.py::costs", "metrics/mine.py::costs"),
        ({"file": "metrics/mine.py", "function": "costs"}, "metrics/mine.py::costs"),
        ({"file": "mine.py"}, "mine.py::score"),
    ],
)
def test_forms_of_a_metric(given: Any, name: str) -> None:
    config = raw({**SINGLE, "metric": given})
    assert load(config).tasks["t"].metric == name
    assert load(raw({**SINGLE, "metric": name})) == load(config)
    jsonschema.validate(config, schema())


def test_a_ranked_metric_asks_for_ranked_labels() -> None:
    block = Plan(load(raw({**SINGLE, "metric": "map_at_3"})), Path()).submission()
    assert (block["ranked"], block["probabilities"]) == (3, False)


def test_an_edit_of_a_metrics_file_changes_what_is_scored_and_nothing_that_is_trained(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine.py"
    text = "greater_is_better = True\ntakes = 'labels'\ndef score(truth, prediction): return 0.5\n"
    path.write_text(text)
    config = load(raw({**SINGLE, "metric": str(path)}))
    before = Plan(config, Path())
    blocks = [before.ensemble(), before.decision(), before.scores()]
    trained = [before.train("m-s0", 0, 0), before.predict("m-s0"), before.submission(), before.make_folds()]
    path.write_text(text + "# edited\n")
    after = Plan(config, Path())
    for old, new in zip(blocks, [after.ensemble(), after.decision(), after.scores()], strict=True):
        assert old != new
    assert trained == [
        after.train("m-s0", 0, 0),
        after.predict("m-s0"),
        after.submission(),
        after.make_folds(),
    ]
    path.unlink()
    with pytest.raises(UserError, match="cannot be read"):
        Plan(config, Path()).decision()


@pytest.mark.parametrize(
    ("given", "line"),
    [
        # targets
        (
            raw({**SINGLE, "target": ["y"]}),
            "tasks.t.target: a single_label task has one column; write target: y",
        ),
        (raw({**SINGLE, "label_separator": ";"}), "tasks.t.label_separator: only for type multi_label"),
        (
            raw({**MULTI, "target": "tags"}),
            "tasks.t.target: multi_label needs several columns of 0 and 1, [tags, ...], "
            "or label_separator, what stands between the labels of one column",
        ),
        (
            raw({**MULTI, "target": ["p"]}),
            "tasks.t.target: one column of 0 and 1 is a single_label task; "
            "for a column of joined labels write target: p and label_separator",
        ),
        (raw({**MULTI, "target": ["p", "q", "p"]}), "tasks.t.target: 'p' stands there more than once"),
        (raw({**MULTI, "target": ["p", "x"]}), "tasks.t.text: holds the target column 'x'"),
        (raw({**MULTI, "target": ["p", "id"]}), "tasks.t.target: 'id' is the column of ids or groups, too"),
        (raw({**MULTI, "target": 3}), "tasks.t.target: input should be a valid string; found 3"),
        (raw({**MULTI, "target": ["p", 3]}), "tasks.t.target[1]: input should be a valid string; found 3"),
        (raw({**MULTI, "target": []}), "tasks.t.target: it should have at least 1 item, not 0"),
        # metrics
        (raw({**VALUES, "metric": "spaerman"}), "tasks.t.metric: found 'spaerman'; did you mean 'spearman'?"),
        (
            raw({**VALUES, "metric": "accuracy"}),
            "tasks.t.metric: accuracy is no metric of a regression; "
            "valid: mae, mcrmse, pearson, qwk, r2, rmse, spearman",
        ),
        (
            raw({**MULTI, "metric": "f2"}),
            "tasks.t.metric: f2 is no metric of a multi_label task; valid: average_precision, exact_match, "
            "hamming_loss, log_loss, macro_f1, micro_f1, roc_auc, samples_f1, weighted_f1",
        ),
        (
            raw({**SINGLE, "metric": "macro_f_beta"}),
            "tasks.t.metric: macro_f_beta needs its number; write {name: macro_f_beta, beta: 2}; "
            'found "macro_f_beta"',
        ),
        (
            raw({**SINGLE, "metric": {"name": "macro_f_bet", "beta": 2}}),
            "tasks.t.metric: unknown metric 'macro_f_bet'; did you mean 'macro_f_beta'?; "
            'found {"name": "macro_f_bet", "beta": 2}',
        ),
        (
            raw({**SINGLE, "metric": {"name": "f_beta", "bata": 2}}),
            "tasks.t.metric: f_beta has no key 'bata'; did you mean 'beta'?; "
            'found {"name": "f_beta", "bata": 2}',
        ),
        (
            raw({**SINGLE, "metric": {"name": "map_at_k", "k": 2.5}}),
            'tasks.t.metric: k must be a whole number above 0; found {"name": "map_at_k", "k": 2.5}',
        ),
        (
            raw({**SINGLE, "metric": {"file": "mine.txt"}}),
            "tasks.t.metric: file must be a Python file (NAME.py), and function the name of one in it; "
            'found {"file": "mine.txt"}',
        ),
        # decisions
        (
            raw({**SINGLE, "metric": "map_at_3"}, decision={"method": "offsets"}),
            "decision.method: map_at_3 reads ranked labels, offsets has none; use auto or top_k",
        ),
        (
            raw(MULTI, decision={"method": "cut_points"}),
            "decision.method: cut_points are for the whole numbers of qwk, not for micro_f1; use auto",
        ),
        (
            raw(MULTI, decision={"method": "prior"}),
            "decision.method: prior is for single_label tasks; use auto",
        ),
        (
            raw(SINGLE, decision={"k": 2}),
            "decision.k: only for method top_k of a multi_label task; top_3_accuracy and map_at_3 name their own",
        ),
        # stages that a type has no use for
        (
            raw(VALUES, noise={"max_share": 0.2}),
            "noise: label noise is not judged in a regression; take this block out",
        ),
        (
            raw(MULTI, pseudo={"confidence": 0.8}),
            "pseudo: a multi_label task has no pseudo-labels; take this block out, or set pseudo.rounds to 0",
        ),
        (
            raw(VALUES, pseudo={"rounds": 2}),
            "pseudo: a regression has no pseudo-labels; take this block out, or set pseudo.rounds to 0",
        ),
        (
            raw(VALUES, ensemble={"methods": ["mean", "vote"]}),
            "ensemble: a vote is among labels, and a regression has values; leave vote out",
        ),
        (
            raw(VALUES, ensemble={"submit": "vote"}),
            "ensemble.submit: a vote is among labels, and a regression has values; use best",
        ),
        (
            raw(VALUES, decision={"method": "argmax"}),
            "decision.method: argmax decides labels, but a regression predicts values; use auto",
        ),
        (
            raw({**MULTI, "metric": "roc_auc"}, decision={"method": "offsets"}),
            "decision.method: offsets change labels, but roc_auc reads probabilities; use auto",
        ),
        (
            raw({**SINGLE, "metric": "log_loss"}, decision={"method": "offsets"}),
            "decision.method: offsets change labels, but log_loss reads probabilities; use auto",
        ),
        (
            raw(VALUES, models={"m": {"kind": "linear", "noise": "prune"}}),
            "models.m.noise: label noise is not judged in a regression; set it to null",
        ),
        (
            raw(VALUES, models={"m": {"kind": "linear", "class_weight": "balanced"}}),
            "models.m.class_weight: a regression has no classes",
        ),
    ],
)
def test_keys_that_do_not_go_with_the_type_are_one_line(given: dict[str, Any], line: str) -> None:
    assert told(given) == [line]


def test_pseudo_labels_can_be_switched_off_explicitly() -> None:
    assert load(raw(VALUES, pseudo={"rounds": 0, "confidence": 0.8})).pseudo.rounds == 0


@pytest.mark.parametrize("task", [MULTI, VALUES, SPAN])
def test_the_effective_config_is_a_config_too(task: dict[str, Any]) -> None:
    kind = "retriever" if task is SPAN else "linear"
    shuffle = {"augment": {"order": {"kind": "shuffle"}}} if task is SPAN else {}
    effective = load(
        raw(task, models={"m": {"kind": kind, "augment": list(shuffle and ["order"])}}, **shuffle)
    )
    assert load(effective.model_dump()) == effective


@pytest.mark.parametrize("type_", get_args(TaskType))
def test_kinds_that_cannot_do_a_type_are_refused(type_: TaskType) -> None:
    task = {"single_label": SINGLE, "multi_label": MULTI, "regression": VALUES}[type_]
    for kind, facts in KINDS.items():
        extra = {"encoder": "data/bert"} if kind in ("transformer", "multitask", "reader") else {}
        given = raw(task, models={"m": {"kind": kind, **extra}})
        if kind == "multitask":
            given["tasks"] = dict.fromkeys(("one", "two"), *given["tasks"].values())
        if type_ in facts.types:
            load(given)
        else:
            assert sum(line.startswith(f"models.m.kind: {kind} cannot do a ") for line in told(given)) == 1

"""What goes with which type of task: mistakes in a config, and the defaults that a type has no use for."""

from collections.abc import Iterator

from podium.config import Config, Lightgbm, Linear, Noise, SpanTask, Task, TextCnn
from podium.config.decision import Decision
from podium.config.ensemble import Vote
from podium.config.training import Loss
from podium.decision import mistake
from podium.errors import hint
from podium.ingest_targets import names_of
from podium.metric_file import is_own
from podium.metrics import METRICS, find
from podium.models import KINDS
from podium.targets import AnyType, TaskType
from podium.validation_span import OF_SPANS, span_checks

_WORDS: dict[AnyType, str] = {
    "single_label": "a single_label task",
    "multi_label": "a multi_label task",
    "regression": "a regression",
    "span": "a span task",
}


def with_type_defaults(config: Config) -> Config:
    """Return the config with what its type of task cannot use turned off: rounds, votes on values, smoothing.

    ``type_checks`` refuses them where the user asked for them.
    """
    types = {task.type for task in config.tasks.values()}
    if types == {"single_label"}:
        return config
    if types == {"span"}:
        methods = [method for method in config.ensemble.methods if method in OF_SPANS]
        return config.model_copy(update={"ensemble": config.ensemble.model_copy(update={"methods": methods})})
    plain = Loss()  # a textcnn's own is smoothed, which no other type can have
    changes: dict[str, object] = {
        "pseudo": config.pseudo.model_copy(update={"rounds": 0}),
        "models": {
            name: model.model_copy(update={"loss": plain})
            if isinstance(model, TextCnn) and "loss" not in model.model_fields_set
            else model
            for name, model in config.models.items()
        },
    }
    if "regression" in types:
        methods = [method for method in config.ensemble.methods if method != "vote"]
        changes["ensemble"] = config.ensemble.model_copy(update={"methods": methods})
    return config.model_copy(update=changes)


def type_checks(config: Config, *, alone: bool) -> list[str]:
    """Mistakes that the type of a task makes of keys that are right in others.

    In a competition of several tasks (not ``alone``) such keys are meant for the others: ``with_type_defaults``.
    """
    found: list[str] = []
    for name, task in config.tasks.items():
        if isinstance(task, SpanTask):
            found += [*_model_checks(config, "span"), *span_checks(config, name, alone=alone)]
            continue
        found += _target_checks(f"tasks.{name}", task)
        # What a file takes is known once it is read (podium.filecheck)
        if not is_own(task.metric) and find(task.metric, task.type) is None:
            close = hint(task.metric, METRICS[task.type])
            found.append(f"tasks.{name}.metric: {task.metric} is no metric of {_WORDS[task.type]}; {close}")
        elif not is_own(task.metric):
            found += _decision_checks(config, task)
        found += [*_idle_decision(config.decision), *_model_checks(config, task.type)]
        if task.type != "single_label" and alone:
            found += _off_checks(config, task.type)
    return found


def _target_checks(where: str, task: Task) -> Iterator[str]:
    names = names_of(task.target)
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"{where}.target: '{name}' stands there more than once"
    if task.type != "multi_label":
        if task.label_separator is not None:
            yield f"{where}.label_separator: only for type multi_label"
        if task.type == "single_label" and not isinstance(task.target, str):
            yield f"{where}.target: a single_label task has one column; write target: {names[0]}"
    elif isinstance(task.target, str) and task.label_separator is None:
        yield (
            f"{where}.target: multi_label needs several columns of 0 and 1, [{task.target}, ...], "
            "or label_separator, what stands between the labels of one column"
        )
    elif len(names) == 1 and not isinstance(task.target, str):
        yield (
            f"{where}.target: one column of 0 and 1 is a single_label task; "
            f"for a column of joined labels write target: {names[0]} and label_separator"
        )


def _decision_checks(config: Config, task: Task) -> Iterator[str]:
    decision = config.decision
    if wrong := mistake(decision.method, task.metric, task.type):
        yield f"decision.method: {wrong}"
    if decision.k is not None and (decision.method != "top_k" or task.type != "multi_label"):
        yield "decision.k: only for method top_k of a multi_label task; top_3_accuracy and map_at_3 name their own"


def _idle_decision(decision: Decision) -> Iterator[str]:
    """Keys of methods that were not chosen."""
    method = decision.method
    if decision.changed("min_gain") and method not in ("auto", "prior"):
        yield f"decision.min_gain: {method} is used whatever it gains; leave it out, or use auto"
    if decision.changed("sweeps") and method not in ("auto", "prior", "offsets"):
        yield f"decision.sweeps: belongs to offsets, not to {method}; leave it out"


def _model_checks(config: Config, type: AnyType) -> Iterator[str]:
    able = [kind for kind, facts in KINDS.items() if type in facts.types]
    for name, model in config.models.items():
        if model.kind not in able:
            yield f"models.{name}.kind: {model.kind} cannot do {_WORDS[type]}; these can: {', '.join(able)}"
        if type == "regression" and isinstance(model, Linear | Lightgbm) and model.class_weight is not None:
            yield f"models.{name}.class_weight: a regression has no classes"
        if type == "multi_label" and isinstance(model, Lightgbm) and model.class_weight is not None:
            yield f"models.{name}.class_weight: is for single_label tasks; leave it out"
        if type == "regression" and model.noise is not None:
            yield f"models.{name}.noise: label noise is not judged in a regression; set it to null"


def _off_checks(config: Config, type: TaskType) -> Iterator[str]:
    """What is on by default is turned off quietly, but not what the user wrote."""
    if type == "regression" and config.noise.model_copy(update={"overrides": None}) != Noise(overrides=None):
        yield f"noise: label noise is not judged in {_WORDS[type]}; take this block out"
    pseudo = config.pseudo
    if pseudo.model_fields_set and not ("rounds" in pseudo.model_fields_set and pseudo.rounds == 0):
        yield f"pseudo: {_WORDS[type]} has no pseudo-labels; take this block out, or set pseudo.rounds to 0"
    ensemble = config.ensemble
    if type == "regression" and (
        ensemble.vote != Vote() or ("methods" in ensemble.model_fields_set and "vote" in ensemble.methods)
    ):
        yield "ensemble: a vote is among labels, and a regression has values; leave vote out"
    elif type == "regression" and ensemble.submit == "vote":
        yield "ensemble.submit: a vote is among labels, and a regression has values; use best"

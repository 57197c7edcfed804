"""From the raw config mapping to a checked :class:`~podium.config.Config`, or every mistake at once."""

import copy
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError

from podium.config import (
    KINDS,
    Config,
    FastText,
    Lightgbm,
    Linear,
    SpanTask,
    Task,
    TextCnn,
    Transformer,
    block_of,
)
from podium.config.augment import AUGMENTATIONS
from podium.config.ensemble import ENSEMBLES, Ensemble
from podium.config.models import Tfidf
from podium.config.pretrain import Pretraining
from podium.config.text import TAGS as STEP_TAGS
from podium.config.text import Step, Text
from podium.engine.loss_options import LossOptions
from podium.errors import UserError, brief, hint, printable, together
from podium.ingest import needed
from podium.ingest_targets import names_of
from podium.targets import TaskType
from podium.task_configs import for_task
from podium.type_checks import type_checks, with_type_defaults
from podium.validation_augment import augment_checks
from podium.validation_ensemble import ensemble_checks
from podium.validation_external import external_checks, headerless_checks
from podium.validation_noise import noise_checks
from podium.validation_numbers import number_checks
from podium.validation_pretrain import pretrain_checks
from podium.validation_pseudo import pseudo_checks
from podium.validation_submission import submission_checks
from podium.validation_tasks import tasks_checks
from podium.validation_text import text_checks
from podium.validation_training import loss_checks, training_checks
from podium.validation_transformer import encoder_checks, transformer_checks

_LONGEST = 80  # characters of a value that is shown
_KINDS: dict[str, Mapping[str, Any]] = {"augment": AUGMENTATIONS, "ensemble": ENSEMBLES, "models": KINDS}
_NAMED = (["models"], ["augment"], ["pretrain"], ["text", "views"], ["ensemble", "named"])
_TAGS = {"labelled", "spans", *KINDS, *AUGMENTATIONS, *ENSEMBLES, *STEP_TAGS}


def load(raw: dict[str, Any]) -> Config:
    """Validate a raw mapping; raise ``UserError`` with one line for every mistake found.

    A named block that is null (``models: {minilm: null}``) is dropped: so a layer can take away what is below it.
    """
    raw = _without_nulls(raw)
    mistakes = list(number_checks(raw, _child))
    config: Config | None = None
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        known = {mistake.partition(":")[0] for mistake in mistakes}
        sentences = [_sentence(entry, raw) for entry in error.errors() if not _other_branch(entry)]
        mistakes += [sentence for sentence in sentences if sentence.partition(":")[0] not in known]
        config = _salvage(raw, error)
    if config is not None:
        known = {
            mistake.partition(":")[0] for mistake in mistakes
        }  # a key whose value was replaced by its default
        mistakes += [mistake for mistake in cross_checks(config) if mistake.partition(":")[0] not in known]
    if mistakes:
        raise UserError(together(f"config: {printable(mistake)}" for mistake in mistakes))
    assert config is not None
    return with_type_defaults(config) if len(config.tasks) == 1 else config


def _other_branch(entry: Any) -> bool:
    """Whether a mistake is of the branch of "a text or a list" that the user did not take: it is told of one only."""
    listed = any(isinstance(key, str) and key.startswith("list[") for key in entry["loc"])
    if listed:
        return bool(entry["type"] == "list_type")
    return bool(entry["loc"][-1:] == ("str",) and isinstance(entry["input"], list))


def _without_nulls(raw: dict[str, Any]) -> dict[str, Any]:
    """Drop the null entries of the mappings whose keys are the user's own names."""
    if not isinstance(raw, dict):
        return raw
    kept = dict(raw)
    for block in ("models", "augment", "pretrain"):
        if isinstance(kept.get(block), dict):
            kept[block] = _without(kept[block])
    if isinstance(kept.get("ensemble"), dict) and isinstance(kept["ensemble"].get("named"), dict):
        kept["ensemble"] = {**kept["ensemble"], "named": _without(kept["ensemble"]["named"])}
    if isinstance(kept.get("tasks"), dict):
        kept["tasks"] = {name: _without_null_files(task) for name, task in kept["tasks"].items()}
    return kept


def _without_null_files(task: Any) -> Any:
    """Drop a task's other files that are null."""
    if not isinstance(task, dict):
        return task
    named = {block: task[block] for block in ("external", "unlabelled") if isinstance(task.get(block), dict)}
    return {**task, **{block: _without(files) for block, files in named.items()}}


def _without(named: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in named.items() if value is not None}


def _salvage(raw: dict[str, Any], error: ValidationError) -> Config | None:
    """Replace or drop the faulty keys so that the rest can be cross-checked; None when too little is left.

    Where a key that names something must go, every mention of the name elsewhere would be told as a mistake: None.
    """
    rest = copy.deepcopy(raw)
    for entry in error.errors():
        path = _path(entry["loc"], raw)
        if path[-1:] == ["seeds"] or path[:-1] in _NAMED:
            return None
        if "weights" in path:
            path = path[: path.index("weights") + 1]
        if path[:2] == ["text", "views"] and len(path) > 3:  # a view without steps is still there to be named
            rest["text"]["views"][path[2]] = []
            continue
        node: Any = rest
        for key in path[:-1]:
            node = node[key] if isinstance(node, dict) and key in node else None
        if path and isinstance(node, dict):
            node.pop(path[-1], None)
            if entry["type"] == "missing":
                node[path[-1]] = "missing"
    try:
        return Config.model_validate(rest)
    except ValidationError:
        return None


def _path(location: tuple[int | str, ...], raw: Any) -> list[int | str]:
    """Remove what pydantic adds to a location (tags of unions): keep what stands in the user's file."""
    path: list[int | str] = []
    node = raw
    for position, key in enumerate(location):
        last = position == len(location) - 1
        if isinstance(node, dict):
            if key in node:
                node = node[key]
            elif last and not isinstance(key, int) and key not in _TAGS:
                node = None
            else:
                continue
        elif isinstance(node, list) and isinstance(key, int) and key < len(node):
            node = node[key]
        else:
            continue
        path.append(key)
    return path


def _sentence(entry: Any, raw: dict[str, Any]) -> str:
    """One line: the key's path, what was found, what is allowed, the closest valid name."""
    path = _path(entry["loc"], raw)
    where = _written(path, raw).removesuffix(".[key]") or "the file"
    found = entry.get("input")
    if entry["type"] == "extra_forbidden":
        return f"{where}: unknown key; {hint(str(path[-1]), _siblings(path, raw))}"
    if entry["type"] == "missing":
        return f"{where}: this key is required and missing"
    kinds = _KINDS.get(str(path[0]) if path else "", KINDS)
    if entry["type"] in ("union_tag_invalid", "union_tag_not_found") and not isinstance(found, dict):
        return f"{where}: this sort of value cannot stand here; found {_shown(found)}"
    if entry["type"] == "union_tag_invalid":
        return (
            f"{where}.kind: unknown kind {_quoted(found.get('kind'))}; {hint(str(found.get('kind')), kinds)}"
        )
    if entry["type"] == "union_tag_not_found":
        return f"{where}.kind: this key is required and missing; valid: {', '.join(kinds)}"
    if entry["type"] == "literal_error":
        choices = entry["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        valid = f"valid: {', '.join(choices)}"
        close = hint(str(found), choices)
        return f"{where}: found {_quoted(found)}; {close if close.startswith('did') else valid}"
    if entry["type"] in ("too_short", "too_long"):
        size = entry["msg"].replace(" after validation", "").replace("Dictionary", "it").replace("List", "it")
        return f"{where}: {size}"
    if entry["type"] == "list_type":
        return f"{where}: must be a list; write [{brief(found)}]"
    if entry["type"] == "string_type" and isinstance(found, bool):
        return f"{where}: must be text; put yes, no, true and false in quotes"
    if entry["type"] == "string_pattern_mismatch" and not entry["ctx"]["pattern"].startswith("^[a-z]"):
        return f"{where}: {_quoted(found)} holds characters that are not allowed here"
    if entry["type"] == "string_pattern_mismatch":
        return f"{where}: the name {_quoted(found)} must be lower-case letters, digits and _, a letter first"
    message = entry["msg"][0].lower() + entry["msg"][1:]
    if entry["type"] in ("model_type", "model_attributes_type", "dict_type"):
        message = "this must be a block of keys"
    return f"{where}: {message}; found {_shown(found)}"


def _written(path: list[int | str], raw: Any) -> str:
    """A path as the messages show it: ``text.views.clean[2].urls``."""
    text, node = "", raw
    for key in path:
        listed = isinstance(node, list)
        text += f"[{key}]" if listed else f".{brief(key)}"
        node = node[key] if listed or (isinstance(node, dict) and key in node) else None
    return text.removeprefix(".")


def _quoted(value: Any) -> str:
    return repr(brief(value) if isinstance(value, str) else value)[:_LONGEST]


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError):  # keys that JSON has not, such as dates; a block that holds itself
        text = repr(value)
    return text if len(text) < _LONGEST else f"{text[: _LONGEST - 3]}..."


def _siblings(path: list[int | str], raw: dict[str, Any]) -> list[str]:
    """Names of the keys that are valid where ``path`` points."""
    cls: Any = Config
    node: Any = raw
    for key in path[:-1]:
        listed, node = isinstance(node, list), node[key]
        cls = cls if listed else _child(cls, str(key), node)
    fields = cls.model_fields.items() if isinstance(cls, type) and issubclass(cls, BaseModel) else ()
    return [field.alias or name for name, field in fields]


def _child(cls: Any, key: str, node: Any) -> Any:
    """The block class of ``key`` inside ``cls``: a field's class, or the class of a mapping's values."""
    if isinstance(cls, dict):
        kind = node.get("kind", node.get("type")) if isinstance(node, dict) else None
        return cls.get(kind if isinstance(kind, str) else None, cls.get(None))
    mappings: dict[str, Any] = {
        "tasks": {None: Task, "span": SpanTask},
        "augment": AUGMENTATIONS,
        "models": KINDS,
    }
    mappings["pretrain"] = {None: Pretraining}
    if cls is Config and key in mappings:
        return mappings[key]
    if cls is Ensemble and key == "named":
        return ENSEMBLES
    if cls is Text and key == "views":
        return {None: Step}
    field = cls.model_fields.get(key) if isinstance(cls, type) and issubclass(cls, BaseModel) else None
    block = block_of(field.annotation) if field is not None else None
    return {None: block} if field is not None and get_origin(field.annotation) is dict else block


def cross_checks(config: Config) -> list[str]:
    """Mistakes that only show when blocks are seen together: names that do not exist, and the like.

    Each task is looked at by itself; what is wrong for several of them is told once.
    """
    found = list(tasks_checks(config))
    told = {mistake.partition(":")[0] for mistake in found}
    for name in config.tasks:
        own = for_task(config, name)
        new = _checks_of_task(own, alone=len(config.tasks) == 1) if own.models else []
        found += [mistake for mistake in new if mistake.partition(":")[0] not in told]
        told |= {mistake.partition(":")[0] for mistake in new}
    return found + list(pretrain_checks(config)) + list(submission_checks(config))


def _checks_of_task(config: Config, *, alone: bool) -> list[str]:
    """Mistakes in a config of one task; ``alone`` says whether the competition has no other."""
    found = [*text_checks(config), *noise_checks(config), *augment_checks(config), *external_checks(config)]

    def known(where: str, name: str, choices: Sequence[str], what: str) -> None:
        if name not in choices:
            found.append(f"{where}: there is no {what} '{name}'; {hint(name, choices)}")

    def once(where: str, values: Sequence[int | str]) -> None:
        twice = [value for value in dict.fromkeys(values) if values.count(value) > 1]
        found.extend(f"{where}: {value} stands there more than once" for value in twice)

    views, models = list(config.text.views), list(config.models)
    task_type = next(iter(config.tasks.values())).type
    for name, model in config.models.items():
        known(f"models.{name}.view", model.view, views, "text view")
        for method in model.augment:
            known(f"models.{name}.augment", method, list(config.augment), "augmentation")
        once(f"models.{name}.seeds", model.seeds)
        once(f"models.{name}.augment", model.augment)
        if isinstance(model, Transformer) and task_type != "span":
            found += transformer_checks(name, model, task_type, config.pseudo)
        if isinstance(model, TextCnn) and task_type != "span":
            found += [f"models.{name}.{mistake}" for mistake in _network_checks(model, task_type)]
        if isinstance(model, Linear | Lightgbm):
            found += _tfidf_checks(name, model.tfidf)
        if isinstance(model, Lightgbm | FastText | TextCnn):
            found += [f"models.{name}{mistake}" for mistake in _feature_checks(model)]
        if isinstance(model, Lightgbm) and model.encoder is not None:
            found += [f"models.{name}.{mistake}" for mistake in encoder_checks(model.encoder, model.revision)]
    once("pseudo.voters", config.pseudo.voters or [])
    for voter in config.pseudo.voters or []:
        known("pseudo.voters", voter, models, "model")
    found += ensemble_checks(config)
    found += pseudo_checks(config)
    return found + _task_checks(config) + type_checks(config, alone=alone)


def _task_checks(config: Config) -> list[str]:
    found = []
    for name, task in config.tasks.items():
        where = f"tasks.{name}"
        files = {"train": task.train, "test": task.test, "sample": task.sample, "holdout": task.holdout}
        for key, path in list(files.items())[1:]:
            same = next(
                (other for other, given in files.items() if _same_file(given, path) and other != key), None
            )
            if same:
                found.append(f"{where}.{key}: {path} is the file of {where}.{same}, too")
                files[key] = None
        if isinstance(task, SpanTask):
            continue
        for target in dict.fromkeys(names_of(task.target)):
            if target in needed(id=None, text=task.text, target=None, group=None):
                found.append(f"{where}.text: holds the target column '{target}'")
            if target in (task.id, task.group):
                found.append(f"{where}.target: '{target}' is the column of ids or groups, too")
        keys = {"id": task.id, "text": task.text, "target": task.target, "group": task.group}
        found += headerless_checks(where, task.columns, keys)
    return found


def _same_file(one: str | None, other: str | None) -> bool:
    return bool(one and other) and os.path.normpath(str(one)) == os.path.normpath(str(other))


def _feature_checks(model: Lightgbm | FastText | TextCnn) -> Iterator[str]:
    """Mistakes in what a model makes of the texts, each after the model's name."""
    if isinstance(model, Lightgbm) and not (model.sparse or model.svd or model.statistics or model.encoder):
        yield ": sparse and statistics are false, svd is 0 and encoder is null, so there are no features"
    if isinstance(model, FastText) and model.char_ngrams and model.char_ngrams[0] > model.char_ngrams[1]:
        yield f".char_ngrams: n-grams {model.char_ngrams} need the shortest first"
    if isinstance(model, TextCnn) and model.channels != "tuned" and model.vectors is None:
        yield f".channels: {model.channels} needs vectors that are there already; name their file in vectors"


def _network_checks(model: TextCnn, task: TaskType) -> Iterator[str]:
    """Mistakes in how a model that learns its own word vectors is trained."""
    yield from training_checks(model, task)
    yield from loss_checks(LossOptions(**model.settled(task)["loss"]), task)


def _tfidf_checks(name: str, tfidf: Tfidf) -> list[str]:
    where, spans = f"models.{name}.tfidf", (tfidf.word_ngrams, tfidf.char_ngrams)
    found = [
        f"{where}: n-grams {span} need the shortest first" for span in spans if span and span[0] > span[1]
    ]
    if not any(spans):
        found.append(f"{where}: word_ngrams and char_ngrams are both null, so there are no features")
    return found

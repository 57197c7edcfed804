"""Mistakes in a config of span tasks that only show beside other blocks: what has no meaning for answers in a text."""

import json
from collections.abc import Iterator
from pathlib import Path

from podium.config import Config, Reader
from podium.config.augment import Shuffle
from podium.config.base import Block
from podium.config.ensemble import Blend, Mean
from podium.config.tasks import SpanTask
from podium.encoder_folders import FETCHED, folder_of, pretraining_of
from podium.errors import hint
from podium.validation_training import training_checks
from podium.validation_transformer import encoder_checks

OF_SPANS = ("mean", "blend")
_OF_THREE = ("bert", "electra", "albert", "distilbert", "deberta", "deberta-v2", "modernbert")
"""Kinds of encoders that put three special tokens around a pair; RoBERTa's kin have four."""
_OF_ROUNDS = {"rounds", "weight", "voters"}


def span_checks(config: Config, name: str, *, alone: bool) -> Iterator[str]:
    """Yield a line for each mistake in the config of one span task; ``alone`` as in ``podium.type_checks``."""
    task = config.tasks[name]
    assert isinstance(task, SpanTask)
    table = next((path for path in (task.train, task.test) if not path.lower().endswith(".json")), None)
    for key in ("question", "context"):
        if table is not None and getattr(task.data, key) is None:
            yield f"tasks.{name}.data.{key}: {table} is a table; name its column of {key}s"
    if not task.train.lower().endswith(".json") and task.data.answer is None:
        yield f"tasks.{name}.data.answer: {task.train} is a table; name its column of answers"
    if (
        not task.train.lower().endswith(".json")
        and task.data.group == "article"
        and task.data.article is None
    ):
        yield (
            f"tasks.{name}.data.article: {task.train} is a table; name its column of articles, or set group to "
            "paragraph"
        )
    if task.decision.max_characters is not None and task.decision.changed("length_share"):
        yield f"tasks.{name}.decision.length_share: means nothing beside max_characters; leave it out"
    yield from _models(config)
    yield from _ensembles(config, alone=alone)
    if alone:
        yield from _blocks(config, name)


def _models(config: Config) -> Iterator[str]:
    for name, model in config.models.items():
        if config.text.views.get(model.view):
            yield f"models.{name}.view: the steps of view {model.view} would move the answers; use a view without steps"
        if model.noise is not None:
            yield f"models.{name}.noise: label noise is not judged in a span task; leave it out"
        if isinstance(model, Reader):
            found = (*encoder_checks(model.encoder, model.revision), *training_checks(model, "span"))
            yield from (f"models.{name}.{mistake}" for mistake in (*found, *_windows(config, model)))
    for method in dict.fromkeys(method for model in config.models.values() for method in model.augment):
        block = config.augment.get(method)
        if block is None or isinstance(block, Shuffle):  # whose other keys are refused in any task
            continue
        if block.segments != "a":
            yield f"augment.{method}.segments: only questions may be changed in a span task; set it to a"
        if block.balance or block.filter.label is not None:
            yield f"augment.{method}: balance and filter.label are about classes, and a span task has none"
        if block.fresh is not False:
            yield f"augment.{method}.fresh: questions are changed once, windows drawn anew by themselves; leave it out"
        if block.max_share is not None:
            yield f"augment.{method}.max_share: a span task takes copies of every question; lower copies instead"


def _windows(config: Config, model: Reader) -> Iterator[str]:
    """A window must hold something new beside what it shares with the one before."""
    room = model.max_length - model.max_question - _specials(config, model.encoder)
    if model.overlap >= room:
        yield (
            f"overlap: {model.overlap} must be shorter than what max_length {model.max_length} leaves beside a "
            f"question of max_question {model.max_question} tokens ({max(0, room)}); lower it"
        )


def _specials(config: Config, encoder: str) -> int:
    """Special tokens around a question and its context: the most there may be, where the encoder is not there yet."""
    block = config.pretrain.get(pretraining_of(encoder) or "")
    if block is not None and block.scratch is not None:
        return 3
    folder = folder_of(encoder if block is None else block.encoder or encoder)
    if folder is None or folder in FETCHED:
        return 4 if folder is None else 3
    try:
        kind = json.loads((Path(folder) / "config.json").read_bytes()).get("model_type")
    except (OSError, ValueError, AttributeError):
        return 4
    return 3 if kind in _OF_THREE else 4


def _ensembles(config: Config, *, alone: bool) -> Iterator[str]:
    ensemble = config.ensemble
    given = ensemble.methods if "methods" in ensemble.model_fields_set else []
    others = [method for method in given if method not in OF_SPANS]
    if alone:
        yield from (f"ensemble.methods: {name} is not for spans; {hint(name, OF_SPANS)}" for name in others)
    elif others and len(others) == len(given) and not ensemble.named:  # beside other tasks these are for them
        yield f"ensemble.methods: none of {', '.join(others)} is for spans; add {' or '.join(OF_SPANS)}"
    if ensemble.submit not in ("best", *OF_SPANS, *ensemble.named):
        yield f"ensemble.submit: {ensemble.submit} is not for spans; {hint(ensemble.submit, ['best', *OF_SPANS])}"
    for name, block in {**ensemble.named, **{key: ensemble.block(key) for key in OF_SPANS}}.items():
        where = f"ensemble.named.{name}" if name in ensemble.named else f"ensemble.{name}"
        if not isinstance(block, Mean | Blend):
            yield f"{where}.kind: only mean and blend are for spans"
        elif getattr(block, "average", "arithmetic") != "arithmetic" or block.temperature:
            yield f"{where}: spans are averaged arithmetically and without a temperature; leave both keys out"
        elif isinstance(block, Blend) and (
            block.search != "greedy" or block.objective != "metric" or block.bags > 1
        ):
            yield f"{where}: weights of spans are searched greedily for the metric; leave other keys out"


def _blocks(config: Config, name: str) -> Iterator[str]:
    """Blocks whose place is in the task, in a competition of this task alone."""
    for key in sorted(_changed(config.pseudo) - _OF_ROUNDS):
        yield f"pseudo.{key}: which answers are learned from is told in tasks.{name}.pseudo"
    if _changed(config.decision):
        yield f"decision: how answers are decided is told in tasks.{name}.decision"
    if _changed(config.noise):
        yield "noise: label noise is not judged in a span task; take this block out"
    if _changed(config.adversarial) - {"enabled"}:
        yield "adversarial: train and test rows are not compared in a span task; take this block out"


def _changed(block: Block) -> set[str]:
    return {key for key in block.model_fields_set if block.changed(key)}

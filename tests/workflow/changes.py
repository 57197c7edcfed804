"""For every key of the config two valid configs that differ in this key alone."""

import copy
import fnmatch
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from wide import WIDE

from podium.config.keys import leaves
from podium.errors import UserError
from podium.validation import load

Given = dict[str, Any]
FIELDS = leaves()
COLUMNS = ["id", "text", "label", "other"]
SIMILAR = {"similarity": 0.5, "encoder": "data/encoder"}
MARIAN = {"engine": "marian", "model_out": "data/encoder", "model_back": "data/encoder"}
SPECIAL: dict[str, tuple[Given, Any]] = {
    "tasks.label.submission.file": ({}, "other.csv"),
    "tasks.label.label_separator": ({}, "|"),
    "tasks.label.metric": ({}, "accuracy"),
    "tasks.label.language": ({}, "de"),
    "tasks.label.columns": ({}, COLUMNS),
    "tasks.label.external.NAME.columns": ({}, COLUMNS),
    "tasks.label.external.NAME.label_separator": ({}, "|"),
    "tasks.span.submission.file": ({}, "other.csv"),
    "tasks.span.language": ({"augment.eda.synonyms": "data/synonyms.txt"}, "de"),
    "text.views.*.language": ({}, "zh"),
    "text.views.hashtags.with": ({"action": "replace"}, "tag"),
    "noise.models": ({}, ["plain"]),
    "noise.view": ({}, "full"),
    "noise.margin": ({"filter_by": "margin"}, 0.4),
    "noise.class_max_share": ({}, 0.4),
    "augment.*.filter.similarity": (SIMILAR, 0.6),
    "augment.*.filter.encoder": (SIMILAR, "data/other"),
    "augment.*.filter.revision": ({**SIMILAR, "encoder": "some/encoder"}, "main"),
    "augment.*.filter.max_length": (SIMILAR, 64),
    "augment.*.filter.inner_folds": ({"label": 0.9}, 4),
    "augment.mlm.revision": ({"encoder": "some/encoder"}, "main"),
    "augment.back_translation.fresh": ({"through": ["spa", "cat"]}, True),
    "augment.back_translation.copies": ({"through": ["spa", "cat"]}, 2),
    "augment.back_translation.balance": ({"through": ["spa", "cat", "fra", "por"]}, True),
    "augment.back_translation.engine": ({**MARIAN}, "ctranslate2"),
    "augment.back_translation.through": ({}, ["spa", "cat"]),
    "augment.back_translation.max_copies": ({"balance": True, "max_copies": 1, "through": ["spa", "cat"]}, 2),
    "augment.*.max_copies": ({"balance": True, "max_copies": 1}, 2),
    "augment.back_translation.model_*": (MARIAN, "data/other"),
    "augment.back_translation.revision_*": (
        {**MARIAN, "model_out": "some/model", "model_back": "some/other"},
        "main",
    ),
    "augment.back_translation.beams": (MARIAN, 5),
    "augment.back_translation.sampling": (MARIAN, True),
    "augment.back_translation.temperature": ({**MARIAN, "sampling": True}, 2.0),
    "augment.back_translation.top_k": ({**MARIAN, "sampling": True}, 5),
    "augment.back_translation.max_length": (MARIAN, 64),
    "augment.back_translation.batch_tokens": (MARIAN, 64),
    "pretrain.NAME.revision": ({"encoder": "some/encoder"}, "main"),
    "tasks.span.data.group": ({"article": "title"}, "article"),
    "pretrain.NAME.scratch.window": ({"init": "ppmi"}, 3),
    "pretrain.NAME.scratch.negatives": ({"init": "ppmi"}, 3),
    "pretrain.NAME.scratch.vectors": ({"init": "vectors", "vectors": "data/vectors.txt"}, "data/others.txt"),
    "pretrain.NAME.tasks": ({}, ["topic"]),
    "pretrain.NAME.view": ({}, "full"),
    "pretrain.NAME.texts": ({}, ["train"]),
    "pretrain.NAME.ngrams": ({"masking": "ngram"}, [0.5, 0.5]),
    "pretrain.NAME.generator": ({"objective": "rtd"}, 0.5),
    "pretrain.NAME.detection_weight": ({"objective": "rtd"}, 3.0),
    "models.linear.tasks": ({}, ["mood"]),
    "models.transformer.tasks": ({}, ["mood"]),
    "models.transformer.augment": ({}, ["mlm"]),
    "models.lightgbm.augment": ({"tasks": ["topic"]}, ["eda"]),
    "models.multitask.stopping": ({"refit": None}, {}),
    "models.multitask.stopping.share": ({"models.multitask.refit": None}, 0.2),
    "models.multitask.stopping.patience": ({"models.multitask.refit": None}, 2),
    "models.multitask.stopping.score": ({"models.multitask.refit": None}, "accuracy"),
    "pseudo.until_helps": ({"models.transformer.refit": None, "models.multitask.refit": None}, True),
    "models.*.rounds": ({}, 0),
    "models.textcnn.loss.name": ({"smoothing": None}, "focal"),
    "models.*.loss.name": ({}, "focal"),
    "models.re*.tasks": ({}, ["qa"]),
    "models.multitask.tasks": ({}, ["mood", "topic"]),
    "models.linear.view": ({}, "raw"),
    "models.*.view": ({}, "full"),
    "models.linear.seeds": ({}, [1]),
    "models.*.seeds": ({}, [0, 1]),
    "models.*.augment": ({}, ["eda"]),
    "models.lightgbm.revision": ({"encoder": "some/encoder"}, "main"),
    "models.lightgbm.class_weight": ({"tasks": ["topic"]}, "balanced"),
    "models.fasttext.char_ngrams": ({}, [2, 4]),
    "models.textcnn.channels": ({"vectors": "data/vectors.txt"}, "static"),
    "models.*.revision": ({"encoder": "some/encoder"}, "main"),
    "models.*.adversarial.step_size": ({"method": "pgd"}, 0.2),
    "models.*.adversarial.steps": ({"method": "pgd"}, 2),
    "models.*.adversarial.random_start": ({"method": "freelb"}, 0.2),
    "models.*.average.decay": ({}, 0.9),
    "models.*.max_cut": ({"max_length": "auto"}, 0.1),
    "models.*.head_share": ({"truncation": "head_tail"}, 0.5),
    "models.*.max_chunks": ({"long_texts": "chunks"}, 2),
    "models.*.chunk_overlap": ({"long_texts": "chunks"}, 8),
    "models.*.chunk_pooling": ({"long_texts": "chunks"}, "max"),
    "models.*.loss.effective_beta": ({"class_weight": "effective"}, 0.9),
    "models.*.loss.gamma": ({"name": "focal"}, 1.0),
    "models.*.loss.alpha": ({"name": "symmetric"}, 2.0),
    "models.*.loss.beta": ({"name": "symmetric"}, 2.0),
    "models.*.loss.q": ({"name": "generalized"}, 0.5),
    "models.*.loss.delta": ({"name": "huber"}, 2.0),
    "models.multitask.balance.temperature": ({"method": "dwa"}, 1.0),
    "models.multitask.balance.interval": ({"method": "dwa"}, 5),
    "models.multitask.balance.gamma": ({"method": "dtp"}, 2.0),
    "models.multitask.balance.discount": ({"method": "dtp"}, 0.2),
    "models.multitask.balance.alpha": ({"method": "gradnorm"}, 1.0),
    "models.multitask.balance.rate": ({"method": "gradnorm"}, 0.1),
    "models.multitask.fuse": ({}, {"models": ["first", "second"]}),
    "models.multitask.fuse.models": ({}, ["second", "first"]),
    "models.multitask.fuse.weights": ({}, {"topic": 3}),
    "pseudo.voters": ({}, ["plain"]),
    "pseudo.votes": ({"agree": 0.05}, 2),
    "ensemble.members": ({}, ["plain-s0", "multitask-s0"]),
    "ensemble.*.weights": ({}, {"plain-s0": 2.0}),
    "ensemble.named.layers.second": ({}, "vote"),
    "ensemble.submit": ({}, "mean"),
    "ensemble.*.alpha": ({"model": "ridge"}, 2.0),
    "ensemble.*.bags": ({}, 3),
    "ensemble.*.share": ({"bags": 3}, 0.7),
    "ensemble.*.trees": ({"model": "lightgbm"}, 50),
    "ensemble.*.learning_rate": ({"model": "lightgbm"}, 0.1),
    "ensemble.*.num_leaves": ({"model": "lightgbm"}, 5),
    "ensemble.*.min_data_in_leaf": ({"model": "lightgbm"}, 5),
    "ensemble.vote.steps": ({"weighting": "learned"}, 20),
    "ensemble.named.vote.steps": ({"weighting": "learned"}, 20),
    "decision.k": ({"decision.method": "top_k"}, 2),
}
"""Keys that mean something only beside others: what stands in the same block (a path: elsewhere), and the new value.

A key may have a pattern for a name; the first that fits counts.
"""
FIXED = (
    "tasks.label.type",
    "pretrain.NAME.scratch",
    "models.multitask.loss.delta",
    "models.reader.view",
    "models.reader.noise",
    "models.retriever.view",
    "models.retriever.noise",
    *(
        f"augment.shuffle.{key}"
        for key in ("fresh", "segments", "balance", "max_copies", "max_share", "filter.*")
    ),
)
"""Keys that cannot change alone, or have one value only where they stand: another is refused."""
NAMES = {
    "models.multitask.fuse": ["models", "fused", "fuse"],
    "tasks.label.external.NAME": ["tasks", "topic", "external", "more"],
    "tasks.label.unlabelled.NAME": ["tasks", "topic", "unlabelled", "web"],
    "tasks.label": ["tasks", "topic"],
    "tasks.span": ["tasks", "qa"],
    "pretrain.NAME": ["pretrain", "small"],
    "pretrain.NAME.scratch": ["pretrain", "new", "scratch"],
    **{f"ensemble.named.{kind}": ["ensemble", "named", f"a_{kind}"] for kind in ("mean", "blend", "vote")},
    **{f"ensemble.named.{kind}": ["ensemble", "named", f"a_{kind}"] for kind in ("stack", "layers")},
}
"""Where blocks that the user names lie in the wide competitions; others have their kind for a name."""
ELSEWHERE = {
    "numbers": {"tasks.label.language", "models.textcnn.loss.delta", "models.transformer.loss.delta"},
    "sets": {"tasks.label.label_separator", "tasks.label.external.NAME.label_separator", "decision.k"},
}
"""Keys that mean nothing for most types of tasks: the competition that has one of theirs."""
OF_SPANS = ("tasks.span.", "models.reader.", "models.retriever.", "augment.shuffle.")


def competition(path: str) -> str:
    """Which of the wide competitions has the key's block."""
    if path.startswith(OF_SPANS):
        return "spans"
    return next((name for name, keys in ELSEWHERE.items() if path in keys), "labels")


def pair(path: str) -> tuple[Given, Given]:
    """A config of the key's competition, and the same with another value of the key; ``LookupError`` without one."""
    field, before = FIELDS[path], copy.deepcopy(WIDE[competition(path)])
    given, wanted = special(path) or ({}, None)
    block, key = site(before, path)
    for beside, value in given.items():
        owner, last = site(before, beside) if "." in beside else (block, beside)
        owner[last] = value
    current = block.get(key, field.get_default(call_default_factory=True))
    values = candidates(field.annotation, current) if wanted is None else [wanted]
    refused, checked = [], load(copy.deepcopy(before))
    for value in values:
        after = copy.deepcopy(before)
        site(after, path)[0][key] = value
        try:
            if load(copy.deepcopy(after)) != checked:
                return before, after
        except UserError as error:
            refused.append(f"{value!r}: {error}")
    raise LookupError(f"{path}: no valid value among {refused}")


def special(path: str) -> tuple[Given, Any] | None:
    """What the table says of a key."""
    return next((told for pattern, told in SPECIAL.items() if fnmatch.fnmatchcase(path, pattern)), None)


def site(config: Given, path: str) -> tuple[Given, str]:
    """The block of a raw config that holds a key, made where it is not there, and the key's own name."""
    above, _, key = path.rpartition(".")
    if above.startswith("text.views."):
        steps, name = config["text"]["views"]["full"], above.rpartition(".")[2]
        place = next(
            i for i, step in enumerate(steps) if step == name or (isinstance(step, dict) and name in step)
        )
        if not isinstance(steps[place], dict):
            steps[place] = {name: {}}
        return steps[place][name], key
    block: Any = config
    for part in _parts(above):
        if block.get(part) is None:
            block[part] = {}
        block = block[part]
    return block, key


def _parts(above: str) -> list[str]:
    start = max((name for name in NAMES if f"{above}.".startswith(f"{name}.")), key=len, default="")
    rest = above[len(start) :].strip(".")
    return [*NAMES.get(start, []), *(rest.split(".") if rest else [])]


def candidates(annotation: Any, current: Any) -> Iterator[Any]:
    """Values of a type other than the current one."""
    for value in _values(annotation, current):
        if value != current:
            yield value


def _values(annotation: Any, current: Any) -> Iterator[Any]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _values(arguments[0], current)
    elif origin in (Union, UnionType):
        for argument in arguments:
            if argument is not NoneType:
                yield from _values(argument, current)
        if NoneType in arguments:
            yield None
    elif origin is Literal:
        yield from arguments
    elif origin is list:
        yield from (
            ([*current, *current], current[:1])
            if current
            else ([value] for value in _values(arguments[0], None))
        )
    elif origin is dict:
        yield from ({name: value} for name in ("topic", "wheat") for value in _values(arguments[1], None))
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield {}
    elif annotation is bool:
        yield not current
    elif annotation is int:
        whole = current if type(current) is int else 1
        yield from (whole + 1, whole - 1, whole * 2, whole * 8, 2, 3, 64)
    elif annotation is float:
        number = float(current) if isinstance(current, float | int) else 1.0
        yield from (number * 0.9, number * 1.1, 0.7, 0.3, 0.05, 1.5, 3.0)
    elif annotation is str:
        yield from ("other", "text", "id")
    else:
        raise TypeError(annotation)

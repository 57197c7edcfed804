"""Mistakes in the pretrainings, and in the models that name one."""

import math
from collections.abc import Iterator

from podium.config import Config
from podium.config.augment import Mlm
from podium.config.base import Block
from podium.config.pretrain import Pretraining, Scratch
from podium.encoder_folders import pretraining_of
from podium.errors import hint
from podium.validation_transformer import encoder_checks


def pretrain_checks(config: Config) -> Iterator[str]:
    """Yield a line for each mistake."""
    for name, block in config.pretrain.items():
        where = f"pretrain.{name}"
        for read in block.tasks or []:
            if read not in config.tasks:
                yield f"{where}.tasks: there is no task '{read}'; {hint(read, config.tasks)}"
        languages = {
            task.language for name, task in config.tasks.items() if name in (block.tasks or config.tasks)
        }
        if len(languages) > 1 and block.masking != "token":
            yield (
                f"{where}.masking: words are cut by language, and the tasks have {', '.join(sorted(languages))}; "
                f"use masking: token, or a pretraining for each language ({where}.tasks)"
            )
        if block.view not in config.text.views:
            yield f"{where}.view: there is no text view '{block.view}'; {hint(block.view, config.text.views)}"
        yield from _part_checks(where, config, block)
        yield from (f"{where}.{mistake}" for mistake in _own_checks(block))
    yield from _named(config)


def _part_checks(where: str, config: Config, block: Pretraining) -> Iterator[str]:
    """Parts that none of the pretraining's tasks has."""
    read = [task for task in block.tasks or config.tasks if task in config.tasks]
    parts = ["train", "test"]
    for task in read:
        parts += [*config.tasks[task].external, *config.tasks[task].unlabelled]
    of = f" of task {' or '.join(read)}" if block.tasks is not None else ""
    for part in block.texts or []:
        if part not in parts:
            yield f"{where}.texts: there is no part '{part}'{of}; {hint(part, parts)}"


def _own_checks(block: Pretraining) -> Iterator[str]:
    texts = block.texts or []
    if len(set(texts)) < len(texts):
        yield "texts: a part stands there more than once"
    if block.texts is not None and not block.test and set(texts) == {"test"}:
        yield "texts: only test is named, and test: false leaves it out"
    if (block.encoder is None) == (block.scratch is None):
        yield (
            "encoder: name one to go on from, or make a new network with scratch"
            if block.encoder is None
            else "scratch: makes a new network, but encoder names one to go on from; leave one of the two out"
        )
    if block.encoder is not None:
        if pretraining_of(block.encoder) is not None:
            yield f"encoder: {block.encoder} is a pretraining itself; name what that one goes on from"
        else:
            yield from encoder_checks(block.encoder, block.revision)
    elif block.revision is not None:
        yield "revision: only for names on the Hub, and scratch has none"
    if not sum(block.ngrams) > 0:
        yield "ngrams: every weight is 0, so nothing would be masked"
    needs = {
        "ngrams": ("masking: ngram", block.masking == "ngram"),
        "generator": ("objective: rtd", block.objective == "rtd"),
        "detection_weight": ("objective: rtd", block.objective == "rtd"),
    }
    for key, (owner, effective) in needs.items():
        if key in block.model_fields_set and block.changed(key) and not effective:
            yield f"{key}: belongs to {owner}; leave it out"
    if block.scratch is not None:
        yield from (f"scratch.{mistake}" for mistake in _scratch_checks(block.scratch, block.max_length))


def _scratch_checks(scratch: Scratch, max_length: int) -> Iterator[str]:
    if scratch.hidden_size % scratch.heads:
        close = math.ceil(scratch.hidden_size / scratch.heads) * scratch.heads
        yield f"hidden_size: {scratch.hidden_size} is no multiple of heads {scratch.heads}; such as {close}"
    if max_length > scratch.positions:
        yield f"positions: {scratch.positions} are fewer than max_length {max_length}"
    if scratch.init == "vectors" and scratch.vectors is None:
        yield "vectors: init: vectors needs their file here"
    if scratch.init != "vectors" and scratch.vectors is not None:
        yield "vectors: belongs to init: vectors; leave it out"
    if scratch.init == "ppmi" and scratch.vocab_size < scratch.hidden_size + 2:
        yield f"init: ppmi needs more words than hidden_size {scratch.hidden_size}; raise vocab_size"
    for key in ("window", "negatives"):
        if scratch.changed(key) and scratch.init != "ppmi":
            yield f"{key}: belongs to init: ppmi; leave it out"


def _named(config: Config) -> Iterator[str]:
    """Blocks whose encoder is a pretraining that there is not, or that their own keys do not go with."""
    blocks: dict[str, Block] = {f"models.{name}": model for name, model in config.models.items()}
    for name, method in config.augment.items():
        blocks |= {f"augment.{name}": method, f"augment.{name}.filter": method.filter}
    for where, block in blocks.items():
        given = pretraining_of(getattr(block, "encoder", None))
        if given is None:
            continue
        if given not in config.pretrain:
            close = hint(given, config.pretrain) if config.pretrain else "there is no pretrain block"
            yield f"{where}.encoder: there is no pretraining '{given}'; {close}"
            continue
        if getattr(block, "revision", None) is not None:
            yield f"{where}.revision: only for names on the Hub, but encoder is pretrain/{given}"
        if isinstance(block, Mlm):
            yield from (f"{where}.encoder: {mistake}" for mistake in _guesses(given, config.pretrain[given]))
        scratch, length = config.pretrain[given].scratch, getattr(block, "max_length", None)
        if scratch is not None and isinstance(length, int) and length > scratch.positions:
            yield (
                f"{where}.max_length: {length} is more than the {scratch.positions} positions of pretrain/{given}; "
                f"raise pretrain.{given}.scratch.positions"
            )
    for name, method in config.augment.items():
        for key in ("model_out", "model_back"):
            model = getattr(method, key, None)
            if pretraining_of(model) in config.pretrain:
                yield f"augment.{name}.{key}: {model} is an encoder and does not translate"


def _guesses(name: str, block: Pretraining) -> Iterator[str]:
    """What keeps the result of a pretraining from guessing hidden words."""
    if block.objective == "rtd":
        yield (
            f"pretrain/{name} is trained to tell replaced tokens, not to guess hidden ones; "
            "name a pretraining with objective: mlm"
        )
    if block.steps == 0 and block.scratch is not None:
        yield f"pretrain/{name} has steps: 0, and its head would write random words; train it"

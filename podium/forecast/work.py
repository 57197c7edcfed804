"""How much there is to do in a job, in a unit in which its seconds grow: characters, or multiplications of a network.

Units: a *million characters* for what reads texts (linear models and their kin: times passes), *GFLOP* for networks of
transformers (two for each weight and token forwards, three times that in training: arXiv 2001.08361, section 2.1).
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from podium.encoder_shape import TRAIN, Shape
from podium.forecast.sizes import Part, Size, lengths, words

NETWORKS = ("transformer", "multitask", "reader")
_SPECIAL = 2  # tokens around a text; a pair has one more


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Amount of a job: what time and memory grow with (``memory`` in MB beyond what any job of its kind takes)."""

    amount: float
    memory: float = 0.0
    disk: float = 0.0


def training(
    kind: str,
    options: Mapping[str, Any],
    size: Size,
    *,
    trained: float,
    held: float,
    shape: Shape,
    tokenizer: str | None,
) -> Work:
    """Of fitting a model of ``kind`` on ``trained`` rows like the training part, and predicting ``held`` ones."""
    part = size.part("train")
    if kind in NETWORKS:
        return _network(kind, options, part, trained, held, shape, tokenizer)
    if kind in ("textcnn", "fasttext"):
        passes = float(options["epochs"])
        longest = int(options.get("max_length", 10**6))
        read = words(part, longest) * (trained * passes + held / 3) / 1e6
        each = options["dimensions"] * (
            sum(options["widths"]) * options["filters"] / 300 if kind == "textcnn" else 1
        )
        vocabulary = min(options["max_words"], 2000 + 40 * math.sqrt(part.rows * words(part, longest)))
        table = (
            (vocabulary + (options["buckets"] if kind == "fasttext" else 0)) * options["dimensions"] * 4 / 1e6
        )
        return Work(amount=read * each, memory=4 * table, disk=table)
    characters = (trained + held / 3) * part.characters / 1e6
    if kind == "lightgbm":
        trees = options["trees"] / 120 * (size.classes if size.classes > 2 else 1) / 8
        return Work(amount=characters * (0.5 + trees), memory=characters, disk=1.0 + 0.4 * characters)
    return Work(amount=characters * (0.5 + size.classes / 16), memory=characters, disk=1.5 * characters)


def _network(
    kind: str,
    options: Mapping[str, Any],
    part: Part,
    trained: float,
    held: float,
    shape: Shape,
    tokenizer: str | None,
) -> Work:
    read, length = _read(kind, options, part, tokenizer, training=True)
    seen, _ = _read(kind, options, part, tokenizer, training=False)
    batch = (
        options["batch_size"]
        if options.get("batch_tokens") is None
        else options["batch_tokens"] / max(1.0, length)
    )
    passes = options["epochs"]
    if options.get("steps"):
        passes = options["steps"] * batch / max(1.0, trained)
    forward = shape.gflop(held * seen, length)
    amount = TRAIN * times(options) * shape.gflop(trained * passes * read, length) + forward
    longest = options["max_length"] if isinstance(options["max_length"], int) else length * 1.5
    state = (4 * shape.vocabulary * shape.hidden + 16 * shape.weights) / 1e6
    held_back = 0.3 if options.get("gradient_checkpointing") else 1.0
    inside = batch / max(1, options.get("accumulate", 1)) * longest * shape.hidden * shape.layers / 1e6
    state *= options.get("devices", 1)  # of as many processes, where they are all in the computer's memory
    return Work(amount=amount, memory=state + 180 * held_back * inside, disk=4 * shape.parameters / 1e6)


def times(options: Mapping[str, Any]) -> float:
    """How many passes a training step makes of each row, against one forwards and backwards."""
    times = 1.0
    adversarial = options.get("adversarial")
    if adversarial:
        times += float(adversarial.get("steps") or 1)
    if options.get("r_drop"):
        times *= 2
    return times * (4 / 3 if options.get("gradient_checkpointing") else 1.0)


def _read(
    kind: str, options: Mapping[str, Any], part: Part, tokenizer: str | None, *, training: bool
) -> tuple[float, float]:
    """Tokens of a row that the network reads on average, and the length of its sequences."""
    counted = lengths(part, tokenizer)
    if not len(counted):
        return 0.0, 1.0
    if kind == "reader":
        question = np.minimum(counted[:, 0], options["max_question"])
        room = np.maximum(16, options["max_length"] - question - 3)
        windows = 1 + np.ceil(np.maximum(0, counted[:, -1] - room) / np.maximum(8, room - options["overlap"]))
        if training:
            windows = 1 + (windows - 1) * min(1.0, options["negatives"] or 0.0)
        length = float(np.minimum(counted[:, -1] + question + 3, options["max_length"]).mean())
        return float((windows * length).mean()), length
    whole = counted.sum(axis=1) + _SPECIAL + (counted.shape[1] > 1)
    longest = options["max_length"] if isinstance(options["max_length"], int) else 512
    if options.get("long_texts") == "chunks":
        longest *= options["max_chunks"]
    kept = np.minimum(whole, longest)
    return float(kept.mean()), float(min(kept.mean(), longest))


def predicting(
    kind: str,
    options: Mapping[str, Any],
    size: Size,
    part: str,
    *,
    models: int,
    shape: Shape,
    tokenizer: str | None,
) -> Work:
    """Of predicting the rows of a part with each of some models."""
    found = size.part(part)
    if kind in NETWORKS:
        read, length = _read(kind, options, found, tokenizer, training=False)
        memory = 4 * shape.parameters / 1e6
        return Work(amount=models * shape.gflop(found.rows * read, length), memory=memory)
    return Work(amount=models * found.millions, memory=found.millions)


def pretraining(settings: Mapping[str, Any], tokens: float, shape: Shape) -> Work:
    """Of pretraining on ``tokens`` of text; the head sees the masked ones alone."""
    read = tokens * settings["epochs"]
    if settings.get("steps"):
        read = float(settings["steps"] * settings["batch_tokens"])
    return pretrained(read, shape, float(settings.get("rate") or 0.15), settings["batch_tokens"])


def pretrained(read: float, shape: Shape, rate: float, batch: float) -> Work:
    """The same of all tokens that are ``read``."""
    head = 2 * shape.hidden * shape.vocabulary * rate * read / 1e9
    state = 16 * shape.parameters / 1e6
    inside = batch * (180 * shape.hidden * shape.layers + 8 * rate * shape.vocabulary) / 1e6
    amount = TRAIN * (shape.gflop(read, 128) + head)
    return Work(amount=amount, memory=state + inside, disk=4 * shape.parameters / 1e6)

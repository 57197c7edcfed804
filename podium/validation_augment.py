"""Mistakes in the augmentations that only show beside other blocks of the config."""

from collections.abc import Iterator

from podium.config import Config, SpanTask, Task
from podium.config.augment import Augmentation, BackTranslation, Eda, Filter, Mlm, Shuffle
from podium.lemmas import UNSPACED
from podium.validation_transformer import encoder_checks

RESERVED = ("train", "test", "pseudo")


def augment_checks(config: Config) -> Iterator[str]:
    """Yield a line for each mistake."""
    for name, method in config.augment.items():
        where = f"augment.{name}"
        if name in RESERVED:
            yield f"{where}: this name is reserved"
        if method.copies == 0 and not method.balance:
            yield f"{where}.copies: 0 makes no rows; only with balance has it a meaning"
        for task_name, task in config.tasks.items():
            yield from _task_checks(where, method, task_name, task)
        if isinstance(method, Shuffle):
            plain = Shuffle(kind="shuffle", copies=method.copies)
            for key in sorted(method.model_fields_set):
                if getattr(method, key) != getattr(plain, key):
                    yield f"{where}.{key}: means nothing where sentences change places; leave it out"
            continue
        yield from (f"{where}.filter.{mistake}" for mistake in _filter_checks(method.filter))
        if method.changed("max_copies") and not method.balance:
            yield f"{where}.max_copies: belongs to balance; leave it out"
        if isinstance(method, Eda) and not any(
            (method.alpha_sr, method.alpha_ri, method.alpha_rs, method.alpha_rd)
        ):
            yield f"{where}: every alpha is 0, so nothing would be made"
        if isinstance(method, Mlm):
            yield from (f"{where}.{mistake}" for mistake in encoder_checks(method.encoder, method.revision))
        if isinstance(method, BackTranslation):
            yield from (f"{where}.{mistake}" for mistake in _translation_checks(method))


def _task_checks(where: str, method: Augmentation, task_name: str, task: Task | SpanTask) -> Iterator[str]:
    language = f"tasks.{task_name}.language is '{task.language}'"
    kind = str(getattr(method, "kind"))  # noqa: B009 - only the subclasses have it
    if isinstance(method, Eda) and method.synonyms == "wordnet" and task.language != "en":
        yield (
            f"{where}: eda needs English WordNet, but {language}; name a dictionary file in {where}.synonyms"
        )
    if isinstance(method, Eda | Mlm) and task.language in UNSPACED - {"zh"}:
        yield f"{where}: {kind} needs words, and of the languages without spaces it knows Chinese only; {language}"
    if isinstance(task, SpanTask):
        return
    if isinstance(method, Shuffle):
        yield f"{where}: shuffle is for span tasks, whose answers move along; tasks.{task_name} has none"
    if len(task.text) == 1 and method.segments in ("b", "both"):
        yield f"{where}.segments: '{method.segments}' needs a pair of texts, and tasks.{task_name}.text has one"
    if isinstance(method, BackTranslation) and (len(task.text) == 1 or method.segments != "either"):
        yield from _equal_draws(where, method)
    if method.balance and task.type == "regression":
        yield f"{where}.balance: a regression has no classes to balance; set it to false"
    if method.filter.label is not None and task.type != "single_label":
        yield f"{where}.filter.label: only for type single_label; set it to null"


def _filter_checks(block: Filter) -> Iterator[str]:
    if block.length_ratio is not None and not block.length_ratio[0] <= 1 <= block.length_ratio[1]:
        yield f"length_ratio: found {block.length_ratio}; the first must be at most 1 and the second at least 1"
    if block.similarity is not None and block.encoder is None:
        yield "similarity: needs an encoder; name one in filter.encoder"
    if block.similarity is None and block.encoder is not None:
        yield "encoder: belongs to similarity; set similarity, or leave the encoder out"
    if block.encoder is not None:
        yield from encoder_checks(block.encoder, block.revision)
    owners = {"inner_folds": "label", "max_length": "similarity", "revision": "similarity"}
    for key, owner in owners.items():
        if block.changed(key) and getattr(block, owner) is None:
            yield f"{key}: belongs to {owner}; leave it out"


def _translation_checks(method: BackTranslation) -> Iterator[str]:
    for key in ("model_out", "model_back"):
        given = getattr(method, key) is not None
        if given and method.engine == "apertium":
            yield f"{key}: apertium has its own data for each pair of languages; leave it out"
        if not given and method.engine != "apertium":
            yield f"{key}: {method.engine} needs a model here, a name on the Hub or a local folder"
        elif given:
            revision = getattr(method, key.replace("model", "revision"))
            yield from (
                mistake.replace("encoder", key).replace("revision:", f"{key.replace('model', 'revision')}:")
                for mistake in encoder_checks(getattr(method, key), revision)
            )
    yield from _idle(method)
    repeated = sorted({code for code in method.through if method.through.count(code) > 1})
    if repeated:
        yield f"through: names {repeated[0]} more than once"
    most = _different(method)
    if most is not None and method.supply > most:
        more = "name more languages in through" + (
            "" if method.engine == "apertium" else ", more beams, or sampling"
        )
        yield f"copies: {method.supply} of a row are wanted and there can be {most} different ones; {more}"


def _equal_draws(where: str, method: BackTranslation) -> Iterator[str]:
    if method.supply == _different(method) and (method.fresh is True or method.fresh > 1):
        yield (
            f"{where}.fresh: each draw would have all {method.supply} different copies, so every one the same; "
            "set it to false, or ask for fewer copies"
        )


def _different(method: BackTranslation) -> int | None:
    """How many different translations of a text there can be; None: as many as wanted."""
    if method.engine == "apertium":
        return len(method.through)
    return None if method.sampling else len(method.through) * method.beams


def _idle(method: BackTranslation) -> Iterator[str]:
    """Keys that the engine, or the way words are chosen, leaves without any effect."""
    chosen = ("beams", "sampling", "temperature", "top_k", "max_length", "batch_tokens")
    if method.engine == "apertium":
        for key in (*chosen, "revision_out", "revision_back"):
            if method.changed(key):
                yield f"{key}: apertium has nothing to choose here; leave it out"
    elif method.sampling and method.changed("beams"):
        yield "beams: words are drawn where sampling is true; leave it out"
    elif not method.sampling:
        for key in ("temperature", "top_k"):
            if method.changed(key):
                yield f"{key}: belongs to sampling; leave it out"

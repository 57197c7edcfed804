"""Back-translation: texts translated into another language and back, which says the same in other words.

Sennrich et al. 2016 (arXiv 1511.06709) made training data of translators so, Xie et al. 2020 (UDA, arXiv 1904.12848,
section 2.2) new texts for classifiers; Edunov et al. 2018 (arXiv 1808.09381) found drawn translations worth more than
those of a beam search. What translates is exchangeable (``podium.translation``), and what was translated is kept.
"""

import logging
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

import pandas as pd

from podium.augment import KEPT, Resources
from podium.augment.frame import Job, Segments, assemble, jobs
from podium.errors import UserError
from podium.seeds import derive
from podium.translation import ENGINES, Engine
from podium.translation.cache import Cache, open_cache, translate
from podium.translation.masks import mask, unmask

log = logging.getLogger(__name__)

MASK_LOST = "mask lost"
_APERTIUM_CODES = {"en": "eng", "es": "spa", "ca": "cat", "fr": "fra", "pt": "por"}

Directions = Callable[[str], tuple[Engine, Engine]]


def run(
    table: pd.DataFrame,
    *,
    method: str,
    seed: int,
    copies: int,
    draws: int,
    segments: Segments,
    resources: Resources,
    engine: str,
    language_code: str | None,
    through: Sequence[str],
    model_out: str | None,
    model_back: str | None,
    beams: int,
    sampling: bool,
    temperature: float,
    top_k: int,
    max_length: int,
    batch_tokens: int,
    threads: int,
) -> pd.DataFrame:
    """Make up to ``copies`` new rows of each row for each of ``draws`` draws.

    Parameters
    ----------
    engine
        ``apertium``, ``marian`` or ``ctranslate2``.
    language_code, through
        The texts' own language (None: the task's) and those to go through, as the engine or its model calls them. Copy
        c of draw d goes through number (c - 1 + d) of them, round and round; each further round takes the next best of
        the beam search, or draws anew.
    model_out, model_back
        Folders of the models there and back; None for Apertium.
    beams, sampling, temperature, top_k, max_length, batch_tokens
        ``podium.translation.seq2seq.Decoding``; Apertium has nothing to choose.
    threads
        CPU threads, or processes at once.

    Returns
    -------
    As ``podium.augment.frame.assemble``, with the column ``verdict``: "mask lost" where an address, a name or an emoji
    did not come back (the row has its source's text), else "kept". A copy is left out where there are no more different
    ones: with Apertium one for each language in ``through``, with a beam search ``beams`` for each.

    Raises
    ------
    UserError
        The engine, a model or a direction is not there, before anything is translated.
    """
    if engine not in ENGINES:
        raise ValueError(f"there is no engine '{engine}'")
    opened = _opener(
        engine,
        own=language_code or own_code(engine, resources.language),
        models=(model_out, model_back),
        resources=resources,
        threads=threads,
        decoding={
            "beams": beams,
            "sampling": sampling,
            "temperature": temperature,
            "top_k": top_k,
            "max_length": max_length,
            "batch_tokens": batch_tokens,
        },
    )
    try:
        for code in dict.fromkeys(through):  # all of them, so that what is missing shows at once
            directions = opened(code)
    except UserError as error:
        raise UserError(f"augment.{method}: {error}") from error
    if len(through) > 1 and getattr(getattr(directions[0], "reader", None), "bilingual", False):
        raise UserError(
            f"augment.{method}.through: {model_out} knows one pair of languages; name one language here, "
            "and give each other one an augmentation of its own"
        )
    paths = _Paths(tuple(through), directions[0].variants, seed)
    wanted = [
        job
        for job in jobs(table, copies=copies, draws=draws, segments=segments, seed=seed)
        if paths.can(job.copy)
    ]
    made: dict[int, str | None] = {}
    with open_cache(resources.cache) as cache:
        order = sorted(range(len(wanted)), key=lambda place: paths.of(wanted[place]))
        for (code, variant), group in groupby(order, key=lambda place: paths.of(wanted[place])):
            places = list(group)
            texts = _there_and_back([wanted[place].text for place in places], opened(code), variant, cache)
            made.update(zip(places, texts, strict=True))
    return _table(table, wanted, [made[place] for place in range(len(wanted))], method=method, copies=copies)


class _Paths:
    """Which way a copy goes: the language, and the variant of the translation."""

    def __init__(self, through: tuple[str, ...], variants: int | None, seed: int) -> None:
        self._through, self._variants, self._seed = through, variants, seed

    def can(self, copy: int) -> bool:
        """Whether there are as many different copies."""
        return self._variants is None or copy <= len(self._through) * self._variants

    def of(self, job: Job) -> tuple[str, int]:
        """Language and variant, different for all copies of a draw."""
        number = job.draw + job.copy - 1
        code = self._through[number % len(self._through)]
        if self._variants is None:
            return code, derive(self._seed, "translation", job.draw, job.copy)
        return code, number // len(self._through) % self._variants


def _there_and_back(
    texts: list[str], directions: tuple[Engine, Engine], variant: int, cache: Cache
) -> list[str | None]:
    """Translate texts there and back; None where something that was kept out of it was lost."""
    out, back = directions
    masked = [mask(text) for text in texts]
    asked = [one.text if any(char.isalpha() for char in one.text) else "" for one in masked]
    there = translate(out, asked, variant=variant, cache=cache)
    again = translate(back, there, variant=variant if back.variants is None else 0, cache=cache)
    found: list[str | None] = []
    for text, one, words, new in zip(texts, masked, asked, again, strict=True):
        if not words:
            found.append(text)  # nothing in it can be translated
        else:
            found.append(unmask(one, new) if new else "")
    return found


def _table(
    table: pd.DataFrame, wanted: list[Job], made: list[str | None], *, method: str, copies: int
) -> pd.DataFrame:
    """The frame's table; a row of which a text is lost has its sources' texts instead, and the verdict."""
    lost = {(job.row, job.draw, job.copy) for job, text in zip(wanted, made, strict=True) if text is None}
    texts = [
        job.text if text is None or (job.row, job.draw, job.copy) in lost else text
        for job, text in zip(wanted, made, strict=True)
    ]
    found = assemble(table, wanted, texts, method=method, copies=copies)
    keys = dict.fromkeys((job.row, job.draw, job.copy) for job in wanted)
    verdicts = [MASK_LOST if key in lost else KEPT for key in keys]
    log.info("%s: %d rows made of %d, %d lost a mask", method, len(found), len(table), len(lost))
    return found.assign(verdict=pd.Series(verdicts, index=found.index, dtype="str"))


def own_code(engine: str, language: str) -> str:
    """The code by which an engine calls a language."""
    return _APERTIUM_CODES.get(language, language) if engine == "apertium" else language


def _opener(
    engine: str,
    *,
    own: str,
    models: tuple[str | None, str | None],
    resources: Resources,
    threads: int,
    decoding: dict[str, int | float | bool],
) -> Directions:
    """Return the function that opens both directions through a language, each once."""
    kept: dict[str, tuple[Engine, Engine]] = {}

    def open_both(code: str) -> tuple[Engine, Engine]:
        if code not in kept:
            ends = ((own, code), (code, own))
            if engine == "apertium":
                kept[code] = _apertium(*ends, threads=threads)
            else:
                kept[code] = _neural(engine, ends, models, resources, threads, decoding)
        return kept[code]

    return open_both


def _apertium(out: tuple[str, str], back: tuple[str, str], *, threads: int) -> tuple[Engine, Engine]:
    from podium.translation.apertium import Apertium

    return Apertium(*out, threads=threads), Apertium(*back, threads=threads)


def _neural(
    engine: str,
    ends: tuple[tuple[str, str], tuple[str, str]],
    models: tuple[str | None, str | None],
    resources: Resources,
    threads: int,
    decoding: dict[str, int | float | bool],
) -> tuple[Engine, Engine]:
    """Open a model for each direction."""
    from podium.translation.seq2seq import Decoding

    chosen = Decoding(**decoding)  # type: ignore[arg-type]
    opened: list[Engine] = []
    for (source, target), model in zip(ends, models, strict=True):
        if model is None:
            raise UserError(f"the engine {engine} needs model_out and model_back")
        if engine == "marian":
            from podium.translation.marian import Marian

            opened.append(
                Marian(
                    Path(model),
                    source=source,
                    target=target,
                    device=resources.device,
                    threads=threads,
                    decoding=chosen,
                )
            )
        else:
            from podium.translation.ct2 import CTranslate2

            opened.append(
                CTranslate2(
                    Path(model),
                    source=source,
                    target=target,
                    cache=resources.cache,
                    compute_type="int8",
                    threads=threads,
                    decoding=chosen,
                )
            )
    return opened[0], opened[1]

"""Translation by CTranslate2 (Klein et al. 2020, OpenNMT), on a CPU in 8 bits: the models of transformers, converted.

Converted once into a folder named by the model's content.
"""

import logging
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from podium.errors import UserError
from podium.translation.drawing import seed_of
from podium.translation.seq2seq import Decoding, Reader, check_weights, digest, identity, unusable

log = logging.getLogger(__name__)

_SEEDS = 2**32


class CTranslate2:
    """One direction of a model in a local folder.

    A drawn translation needs the model opened anew for each text (some hundredths of a second), since the library's
    generator cannot be set back: only so does a draw depend on its text and seed alone.

    Parameters
    ----------
    source, target
        Codes of the languages, as the model calls them; bilingual models are not told.
    cache
        Folder to keep converted models in.
    compute_type
        ``int8`` or ``float32``.
    threads
        CPU threads.

    Raises
    ------
    UserError
        The package is not installed, the folder holds no model that it converts, or a language is not known.
    """

    def __init__(
        self,
        folder: Path,
        *,
        source: str,
        target: str,
        cache: Path,
        compute_type: str,
        threads: int,
        decoding: Decoding,
    ) -> None:
        self.reader = Reader(folder, source=source, target=target, max_length=decoding.max_length)
        self._library = _library()
        self._decoding, self._type, self._threads = decoding, compute_type, threads
        self._converted = convert(folder, cache)
        self._translator = self._open()
        self.variants = None if decoding.sampling else decoding.beams
        version = str(self._library.__version__)
        more = {"source": source, "target": target, "type": compute_type, "version": version}
        self.identity = identity("ctranslate2", folder, decoding, **more)

    def pieces(self, text: str) -> list[str]:
        """Runs of sentences that the model can read."""
        return self.reader.pieces(text)

    def batches(self, pieces: Sequence[str]) -> list[list[int]]:
        """Batches of one width each."""
        return self.reader.batches(pieces, self._decoding)

    def translate(self, pieces: Sequence[str], variant: int) -> list[str]:
        """Translate pieces: the ``variant``-th best of the beam, or the draw with that seed."""
        made = [""] * len(pieces)
        ids = [self.reader.ids(piece) for piece in pieces]
        for width in sorted({self.reader.width(one) for one in ids}):
            group = [place for place, one in enumerate(ids) if self.reader.width(one) == width]
            if self._decoding.sampling:
                texts = [self._drawn(ids[place], seed_of(pieces[place], variant), width) for place in group]
            else:
                texts = self._searched([ids[place] for place in group], variant, width)
            for place, text in zip(group, texts, strict=True):
                made[place] = text
        return made

    def _searched(self, sources: list[list[int]], variant: int, width: int) -> list[str]:
        if not 0 <= variant < self._decoding.beams:
            raise ValueError(f"variant {variant} of {self._decoding.beams} beams")
        more = {"beam_size": self._decoding.beams, "num_hypotheses": variant + 1}
        return self._run(self._translator, sources, width, **more)

    def _drawn(self, ids: list[int], seed: int, width: int) -> str:
        self._library.set_random_seed(seed % _SEEDS)
        decoding = self._decoding
        more = {"sampling_topk": decoding.top_k, "sampling_temperature": decoding.temperature}
        return self._run(self._open(), [ids], width, beam_size=1, **more)[0]

    def _run(self, translator: Any, sources: list[list[int]], width: int, **more: Any) -> list[str]:
        first = self.reader.first
        told: dict[str, Any] = (
            {} if first is None else {"target_prefix": [self.reader.tokens([first])] * len(sources)}
        )
        found = translator.translate_batch(
            [self.reader.tokens(ids) for ids in sources],
            max_decoding_length=self.reader.most_new(width),
            **told,
            **more,
        )
        return [self.reader.text_of_tokens(one.hypotheses[-1]) for one in found]

    def _open(self) -> Any:
        return self._library.Translator(
            str(self._converted),
            device="cpu",
            compute_type=self._type,
            inter_threads=1,
            intra_threads=self._threads,
        )


def convert(folder: Path, cache: Path) -> Path:
    """Convert the model in ``folder`` unless it was; return the folder below ``cache``, which appears whole or not."""
    check_weights(folder)
    converted = cache / f"ctranslate2-{_library().__version__}-{digest(folder)[:32]}"
    if converted.is_dir():
        return converted
    cache.mkdir(parents=True, exist_ok=True)
    log.info("converting %s", folder)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".convert-") as scratch:
        made = Path(scratch) / "model"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the tokenizer, as in Reader
                _library().converters.TransformersConverter(str(folder)).convert(str(made))
        except Exception as error:  # of the converter, of transformers: there is no common class
            raise unusable(folder, f"CTranslate2 does not convert it ({error})") from error
        try:
            made.rename(converted)
        except OSError:
            if not converted.is_dir():  # another job may have been first
                raise
            shutil.rmtree(made)
    return converted


def _library() -> Any:
    try:
        import ctranslate2

        return ctranslate2
    except ImportError as error:
        raise UserError(
            "ctranslate2 is not installed; pip install --requirement envs/translate.txt "
            "--constraint envs/constraints.txt, or choose the engine marian"
        ) from error

"""Pretrained translation models in local folders: opened, checked, and how they read and write text.

Marian (opus-mt), M2M100 and NLLB, and what else ``transformers.AutoModelForSeq2SeqLM`` builds that tells languages in
the same way. Weights are read from safetensors alone, and no code of a folder ever runs.
"""

import hashlib
import json
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import transformers
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoTokenizer

from podium.errors import UserError, hint

transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()

_LOCAL = {"local_files_only": True, "trust_remote_code": False}
_ERRORS = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError),
    SafetensorError,
)
_TOLD = re.compile(r"^>>(.+)<<$")  # how models of the Marian kind name the language wanted
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？；])|\n+")
_BUCKET = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How a translation is chosen.

    ``beams``: width of the beam search, of which variant v is the v-th best; with ``sampling`` words are drawn instead,
    among the ``top_k`` likeliest (0: all) with probabilities p^(1/temperature). ``max_length``: tokens of a piece;
    longer texts are cut into sentences. ``batch_tokens``: tokens of a batch, padding and beams counted.
    """

    beams: int
    sampling: bool
    temperature: float
    top_k: int
    max_length: int
    batch_tokens: int

    def described(self) -> dict[str, float | int | bool]:
        """What of it decides the result."""
        if self.sampling:
            drawn = {"temperature": self.temperature, "top_k": self.top_k}
            return {"sampling": True, **drawn, "max_length": self.max_length}
        return {"sampling": False, "beams": self.beams, "max_length": self.max_length}


class Reader:
    """The tokenizer of a model and its languages.

    Attributes
    ----------
    first
        Token id that a translation must begin with: its language. None where the model needs none.
    bilingual
        The model knows one pair of languages, and is told none.
    """

    def __init__(self, folder: Path, *, source: str, target: str, max_length: int) -> None:
        self.folder, self.max_length = folder, max_length
        check_weights(folder)
        try:
            self.config = AutoConfig.from_pretrained(str(folder), **_LOCAL)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it would rather have a package that only joins punctuation
                self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), **_LOCAL)
        except _ERRORS as error:
            raise unusable(folder, error) from error
        if not getattr(self.config, "is_encoder_decoder", False):
            raise unusable(
                folder, f"{self.config.model_type} does not translate; take an opus-mt or NLLB model"
            )
        self._prefix, self.first, self.bilingual = "", None, False
        self._tell(source, target)
        longest = getattr(self.config, "max_position_embeddings", None) or max_length
        self.longest = int(longest)
        self.max_length = min(max_length, self.longest)

    def _tell(self, source: str, target: str) -> None:
        """Find how the model is told its languages."""
        tokenizer, vocabulary = self._tokenizer, self._tokenizer.get_vocab()
        if hasattr(tokenizer, "src_lang"):
            special = {
                token.strip("_"): place
                for token, place in vocabulary.items()
                if re.fullmatch("__[a-z]{2,4}__|[a-z]{3}_[A-Z][a-z]{3}|[a-z]{2}_[A-Z]{2}", token)
            }
            for code in (source, target):
                self._known(code, special)
            tokenizer.src_lang = source
            self.first = special[target]
            return
        told = {found[1]: place for token, place in vocabulary.items() if (found := _TOLD.match(token))}
        if told:
            self._known(target, told)
            self._prefix = f">>{target}<< "
        self.bilingual = not told

    def _known(self, code: str, codes: dict[str, int]) -> None:
        if code not in codes:
            raise UserError(
                f"translation: the model in {self.folder} knows no language '{code}' ({hint(code, codes)}); "
                "set 'through' and 'language_code' to its own codes"
            )

    def ids(self, text: str) -> list[int]:
        """Token ids of a text, with the special ones."""
        return list(self._tokenizer(self._prefix + text)["input_ids"])

    def tokens(self, ids: Sequence[int]) -> list[str]:
        """The tokens that have these ids."""
        return list(self._tokenizer.convert_ids_to_tokens(list(ids)))

    def text(self, ids: Sequence[int]) -> str:
        """The text of token ids, without special ones, on one line."""
        return " ".join(self._tokenizer.decode(list(ids), skip_special_tokens=True).split())

    def text_of_tokens(self, tokens: Sequence[str]) -> str:
        """The text of tokens."""
        return self.text(self._tokenizer.convert_tokens_to_ids(list(tokens)))

    def pieces(self, text: str) -> list[str]:
        """The text, or where it is longer than the model reads, runs of sentences that are not; never cut tails."""
        whole = " ".join(text.split())
        if len(self.ids(whole)) <= self.max_length:
            return [whole]
        found: list[str] = []
        for part in (part for sentence in _SENTENCE.split(whole) for part in self._fitting(sentence)):
            joined = f"{found[-1]} {part}" if found else part
            if found and len(self.ids(joined)) <= self.max_length:
                found[-1] = joined
            else:
                found.append(part)
        return found

    def _fitting(self, sentence: str) -> list[str]:
        """A sentence, or its halves where it is too long; between words if it has any."""
        if not sentence.strip():
            return []
        if len(self.ids(sentence)) <= self.max_length or len(sentence) < 2:
            return [sentence.strip()]
        middle = len(sentence) // 2
        blank = sentence.rfind(" ", 1, middle)
        cut = blank if blank > 0 else middle
        return [*self._fitting(sentence[:cut]), *self._fitting(sentence[cut:])]

    def width(self, ids: Sequence[int]) -> int:
        """Length that a text is padded to: a multiple of 8 within the model's positions, whatever its batch has."""
        return max(len(ids), min(-(-len(ids) // _BUCKET) * _BUCKET, self.longest))

    def most_new(self, width: int) -> int:
        """Most tokens of a translation of a text of that width."""
        return min(2 * width + 2 * _BUCKET, self.longest - 1)

    def batches(self, pieces: Sequence[str], decoding: Decoding) -> list[list[int]]:
        """Batches of pieces of one width, within the budget of tokens."""
        groups: dict[int, list[int]] = {}
        for place, piece in enumerate(pieces):
            groups.setdefault(self.width(self.ids(piece)), []).append(place)
        return [
            group[start : start + size]
            for width, group in sorted(groups.items())
            for size in [batch_size(width, decoding)]
            for start in range(0, len(group), size)
        ]


def batch_size(width: int, decoding: Decoding) -> int:
    """Pieces of ``width`` tokens in one batch."""
    beams = 1 if decoding.sampling else decoding.beams
    return max(1, decoding.batch_tokens // (width * beams))


def open_model(folder: Path, dtype: Any) -> Any:
    """Open the model in a folder for inference; ``UserError`` where its weights are not all there."""
    try:
        model, loading = AutoModelForSeq2SeqLM.from_pretrained(
            str(folder), dtype=dtype, use_safetensors=True, output_loading_info=True, **_LOCAL
        )
    except _ERRORS as error:
        raise unusable(folder, error) from error
    if loading["missing_keys"]:
        raise unusable(
            folder, f"the weights lack {sorted(loading['missing_keys'])[0]}; take all files from one model"
        )
    return model.eval()


def check_weights(folder: Path) -> None:
    """Raise ``UserError`` where there are no safetensors: pickled weights can run code when they are read."""
    if not (folder / "config.json").is_file():
        raise unusable(folder, "there is no config.json; name a folder of a model, or its name on the Hub")
    if any(folder.glob("*.safetensors")):
        return
    if any(folder.glob("*.bin")):
        raise unusable(
            folder,
            "its weights are pickled (.bin) and only safetensors are read; take a revision that has model.safetensors "
            "(often refs/pr/1), or convert them as docs/back_translation.md says",
        )
    raise unusable(folder, "there are no weights (model.safetensors)")


def digest(folder: Path) -> str:
    """Digest of a model: the content of all files that are read."""
    found = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".safetensors", ".json", ".spm", ".model", ".txt") and path.is_file():
            with path.open("rb") as file:
                found.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


def identity(engine: str, folder: Path, decoding: Decoding, **more: str) -> str:
    """The text that stands for an engine in keys of the cache."""
    return json.dumps([engine, digest(folder), decoding.described(), more], sort_keys=True)


def unusable(folder: Path, reason: object) -> UserError:
    """The error for a folder that does not hold a usable model."""
    told = str(reason).strip().splitlines() or [type(reason).__name__]
    return UserError(f"translation: cannot use the model in {folder}: {told[0]}")

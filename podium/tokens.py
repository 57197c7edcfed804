"""Token ids of every text, made once for each text view and encoder and shared by all folds, seeds and rounds.

A segment is kept without special tokens and without truncation, so that one table serves every ``max_length``,
truncation and chunking; ``podium.engine.inputs`` puts the special tokens around it. The ids of a segment do not depend
on its place: tokenizers encode the segments of a pair apart from each other.
"""

import json
import logging
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from podium.errors import UserError
from podium.files import write_atomically
from podium.stopwatch import measure

log = logging.getLogger(__name__)

SEGMENTS = {"text_a": "tokens_a", "text_b": "tokens_b"}
IDS = pa.list_(pa.field("element", pa.int32()))  # the name that Parquet gives it
#: What a tokenizer may consist of; no code is among it.
FILES = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.txt", "vocab.json", "merges.txt", "bpe.codes"),
    *("spiece.model", "spm.model", "sentencepiece.bpe.model", "tokenizer.model"),
)
#: A batch ends at either bound: what the library keeps of a token takes some hundred bytes.
_ROWS, _CHARACTERS = 4096, 1 << 20
#: How special tokens are called where no file of the folder says it.
_USUAL = {"pad": ("[PAD]", "<pad>"), "mask": ("[MASK]", "<mask>"), "unk": ("[UNK]", "<unk>")}
#: Keys of tokenizer_config.json and the attributes of tokenizer.json's normaliser or pre-tokenizer that they repeat.
_REPEATED = {
    "do_lower_case": ("normalizer", "lowercase"),
    "strip_accents": ("normalizer", "strip_accents"),
    "tokenize_chinese_chars": ("normalizer", "handle_chinese_chars"),
    "add_prefix_space": ("pre_tokenizer", "add_prefix_space"),
}


def capacity(options: dict[str, Any], room: int) -> int:
    """Tokens of a row that a model with these options reads, ``room`` to a sequence; of a pair in chunks about."""
    if options.get("long_texts") != "chunks":
        return room
    return int(room + (options["max_chunks"] - 1) * max(1, room - options["chunk_overlap"]))


class Joined(NamedTuple):
    """One input as the tokenizer itself makes it: ids, token types, and 1 where it put a special token."""

    ids: list[int]
    types: list[int]
    special: list[int]


class Tokenizer(Protocol):
    """What an opened tokenizer offers.

    ``special`` has the ids of ``pad``, ``mask`` and ``unk``, None where there is no such token; ``token_types`` is
    how many token types the encoder in the same folder tells apart, None where there is no config.json.
    """

    special: dict[str, int | None]
    token_types: int | None

    def ids(self, texts: list[str]) -> list[list[int]]:
        """Return the ids of each text alone: no special tokens, nothing cut."""

    def located(self, texts: list[str]) -> list[tuple[list[int], list[tuple[int, int]]]]:
        """Return ``ids`` of each text and the characters of it, from and up to, that each token stands for.

        Raises ``UserError`` where the tokenizer cannot tell.
        """

    def joined(self, first: str, second: str | None) -> Joined:
        """Return the input of one text or of a pair, special tokens included, nothing cut."""


class Fast:
    """A ``tokenizers.Tokenizer``, which needs none of the ``transformers`` package and its seconds of import."""

    def __init__(self, raw: Any, special: dict[str, int | None], token_types: int | None) -> None:
        raw.no_truncation()  # tokenizer.json may bring both
        raw.no_padding()
        self._raw, self.special, self.token_types = raw, special, token_types

    def ids(self, texts: list[str]) -> list[list[int]]:
        """Return the ids of each text alone; see ``Tokenizer``."""
        encodings = self._raw.encode_batch_fast(texts, add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def located(self, texts: list[str]) -> list[tuple[list[int], list[tuple[int, int]]]]:
        """Return ids and the characters that they stand for; see ``Tokenizer``."""
        encodings = self._raw.encode_batch(texts, add_special_tokens=False)
        return [(encoding.ids, encoding.offsets) for encoding in encodings]

    def joined(self, first: str, second: str | None) -> Joined:
        """Return the input of one text or of a pair; see ``Tokenizer``."""
        found = self._raw.encode(first, second)
        return Joined(found.ids, found.type_ids, found.special_tokens_mask)


class Slow:
    """A tokenizer of ``transformers`` that is written in Python (BERTweet, Japanese BERT)."""

    def __init__(self, tokenizer: Any, special: dict[str, int | None], token_types: int | None) -> None:
        self._tokenizer, self.special, self.token_types = tokenizer, special, token_types

    def ids(self, texts: list[str]) -> list[list[int]]:
        """Return the ids of each text alone; see ``Tokenizer``."""
        found: list[list[int]] = self._tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        return found

    def located(self, texts: list[str]) -> list[tuple[list[int], list[tuple[int, int]]]]:
        """Raise ``UserError``: tokenizers written in Python do not say where their tokens come from."""
        raise UserError(
            "tokens: a span task needs to know the place of each token, which this encoder's tokenizer does not tell; "
            "choose an encoder with a tokenizer.json"
        )

    def joined(self, first: str, second: str | None) -> Joined:
        """Return the input of one text or of a pair; see ``Tokenizer``."""
        found = self._tokenizer(
            first, second, verbose=False, return_token_type_ids=True, return_special_tokens_mask=True
        )
        return Joined(found["input_ids"], found["token_type_ids"], found["special_tokens_mask"])


def open_tokenizer(folder: Path) -> Tokenizer:
    """Open the tokenizer in a local folder.

    ``tokenizer.json`` is opened directly. A folder without it (``vocab.txt`` alone, say), or whose
    tokenizer_config.json says otherwise than it, is left to ``transformers``.

    Raises
    ------
    UserError
        There is no tokenizer in the folder, or it cannot be opened.
    """
    settings, config = _settings(folder / "tokenizer_config.json"), _settings(folder / "config.json")
    token_types = int(config.get("type_vocab_size") or 0) if config else None
    path = folder / "tokenizer.json"
    if path.is_file():
        from tokenizers import Tokenizer as Raw

        try:
            raw = Raw.from_file(str(path))
        except Exception as error:  # the library raises nothing more precise
            raise _unusable(folder, error) from error
        if not _contradicted(raw, settings):
            settings = _settings(folder / "special_tokens_map.json") | settings
            return Fast(raw, _special(raw, settings, config), token_types)
    return _from_transformers(folder, token_types)


def tokenise(folder: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the token ids of a table's texts.

    Parameters
    ----------
    folder
        Local folder of an encoder with its tokenizer.
    rows
        ``id`` (N), ``text_a`` and perhaps ``text_b``.

    Returns
    -------
    ``id``, ``tokens_a`` and perhaps ``tokens_b``, in the order of ``rows``: lists of int32, as Arrow columns.
    ``same_as`` is handed on where ``rows`` have it.

    Raises
    ------
    UserError
        See ``open_tokenizer``.
    """
    tokenizer = open_tokenizer(folder)
    columns = {
        tokens: _encode(tokenizer, rows[text].fillna("").astype("str").tolist())
        for text, tokens in SEGMENTS.items()
        if text in rows.columns
    }
    kept = [name for name in ("id", "same_as") if name in rows.columns]
    table = pd.DataFrame({name: rows[name].to_numpy() for name in kept}, dtype="str")
    return table.assign(**{name: pd.Series(ids, dtype=pd.ArrowDtype(IDS)) for name, ids in columns.items()})


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table of ``tokenise`` as Parquet, for ``podium.files.read_table``; the same bytes each time."""
    # Without pandas' own metadata: it would name a type that pandas.read_parquet does not know
    plain = {
        name: pa.array(table[name], type=IDS if name in SEGMENTS.values() else pa.string())
        for name in table.columns
    }
    write_atomically(path, lambda temporary: pq.write_table(pa.table(plain), temporary, compression="zstd"))


def copy_tokenizer(source: Path, target: Path) -> None:
    """Copy the files of the tokenizer in the folder ``source`` into the folder ``target``."""
    for name in FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def _encode(tokenizer: Tokenizer, texts: list[str]) -> pa.Array:
    """Token ids of each text (N), as an Arrow list array."""
    parts, counts = [np.zeros(0, dtype=np.int32)], [np.zeros(1, dtype=np.int64)]
    for start, end in batches(texts):
        found = tokenizer.ids(texts[start:end])
        counts.append(np.fromiter(map(len, found), dtype=np.int64, count=len(found)))
        parts.append(np.fromiter(chain.from_iterable(found), dtype=np.int32, count=int(counts[-1].sum())))
    offsets = np.cumsum(np.concatenate(counts))
    if offsets[-1] > np.iinfo(np.int32).max:
        raise UserError(
            f"tokens: {offsets[-1]} tokens in one part are more than a table holds; split the rows into two files"
        )
    flat = pa.array(np.concatenate(parts))
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), flat, type=IDS)


def batches(texts: list[str]) -> Iterator[tuple[int, int]]:
    """Bounds of batches that hold few enough rows and characters; a text that is too long for any is one alone."""
    start = characters = 0
    for row, text in enumerate(texts):
        if row > start and (row - start == _ROWS or characters + len(text) > _CHARACTERS):
            yield start, row
            start, characters = row, 0
        characters += len(text)
    if start < len(texts):
        yield start, len(texts)


def _settings(path: Path) -> dict[str, Any]:
    """The content of a JSON file of settings; empty where there is none."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"tokens: {path}: not JSON ({error}); fetch the file again") from error
    return found if isinstance(found, dict) else {}


def _contradicted(raw: Any, settings: dict[str, Any]) -> bool:
    """Whether tokenizer_config.json says otherwise than tokenizer.json; ``transformers`` knows whom to follow."""
    for key, (part, attribute) in _REPEATED.items():
        told, found = settings.get(key), getattr(getattr(raw, part), attribute, None)
        if told is not None and found is not None and told != found:
            return True
    return False


def _special(raw: Any, settings: dict[str, Any], config: dict[str, Any]) -> dict[str, int | None]:
    """Ids of the padding, mask and unknown tokens."""
    special: dict[str, int | None] = {}
    for role, usual in _USUAL.items():
        told = settings.get(f"{role}_token")
        name = told.get("content") if isinstance(told, dict) else told
        ids = [raw.token_to_id(token) for token in ([name] if name else usual)]
        special[role] = next((token_id for token_id in ids if token_id is not None), None)
    if special["pad"] is None:
        special["pad"] = config.get("pad_token_id")
    return special


def _from_transformers(folder: Path, token_types: int | None) -> Tokenizer:
    """Open the tokenizer as ``transformers`` does; what it is made of is taken out of it where that is possible."""
    missing = UserError(
        f"tokens: there is no tokenizer in {folder}; put its tokenizer.json beside config.json"
    )
    found = [name for name in FILES if (folder / name).is_file()]
    if not found:
        raise missing
    _need_sentencepiece(folder, [name for name in found if name.endswith(".model")])
    with measure("imports"):
        import transformers
    transformers.utils.logging.set_verbosity_error()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError) as error:
        raise _unusable(folder, error) from error
    if len(tokenizer) <= len(
        set(tokenizer.all_special_ids)
    ):  # without a vocabulary it is made empty, not refused
        raise missing
    special = {role: getattr(tokenizer, f"{role}_token_id") for role in _USUAL}
    if tokenizer.is_fast:
        return Fast(tokenizer.backend_tokenizer, special, token_types)
    log.info("the tokenizer in %s is written in Python and takes its time", folder)
    return Slow(tokenizer, special, token_types)


def _need_sentencepiece(folder: Path, models: list[str]) -> None:
    """Raise ``UserError`` where packages are lacking that read a SentencePiece model (of DeBERTa-v3, say)."""
    lacking = [
        package
        for package, module in (("sentencepiece", "sentencepiece"), ("protobuf", "google.protobuf"))
        if models and not _importable(module)
    ]
    if lacking:
        raise UserError(
            f"tokens: {folder} has no tokenizer.json, only {models[0]}; install {' and '.join(lacking)} to read it"
        )


def _importable(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package around it
        return False


def _unusable(folder: Path, error: Exception) -> UserError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return UserError(
        f"tokens: cannot open the tokenizer in {folder}: {reason}; put a whole tokenizer.json beside config.json"
    )

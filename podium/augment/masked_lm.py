"""Masked language models from local folders, opened with their own head; what their vocabulary can put for a word."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForMaskedLM

from podium.augment.negation import is_negation
from podium.engine import backbones
from podium.errors import UserError
from podium.unspaced import LETTERS

_ERRORS = backbones._ERRORS
_UNSPACED = re.compile(f"[{LETTERS}]+")
#: What marks pieces that begin a word, of byte-level BPE and SentencePiece; WordPiece marks the others, by ``##``.
_BEGINS = ("Ġ", "▁")


def open_masked_lm(folder: Path) -> Any:
    """Open the masked language model in a local folder, in fp32, on the CPU, with dropout off.

    Raises ``UserError`` when the folder holds no encoder in safetensors form, or one without the trained head: a fresh
    head would write random words.
    """
    try:
        config = backbones._read_config(folder)
        backbones._model_class(config, folder)
        backbones._check_weights(folder)
        model, loading = AutoModelForMaskedLM.from_pretrained(
            str(folder),
            config=config,
            dtype=torch.float32,
            attn_implementation="eager",
            use_safetensors=True,
            output_loading_info=True,
            local_files_only=True,
            trust_remote_code=False,
        )
    except UserError as error:
        raise UserError(str(error).removeprefix("transformer: ")) from error
    except _ERRORS as error:
        reason = backbones._first_line(error)
        raise UserError(f"cannot open the masked language model in {folder}: {reason}") from error
    missing = sorted(loading["missing_keys"])
    if missing:
        raise UserError(
            f"the weights in {folder} have no trained masked-language-model head ({missing[0]} is missing), and a "
            "fresh one would write random words; take the model as it was pretrained"
        )
    return model.eval()


class Vocabulary:
    """The pieces of a tokenizer that are whole words, and what each would look like in a text.

    ``word`` (V,) has the text of every piece that is a whole word by itself, "" for the others: special tokens, parts
    of words, signs, words of negation. ``classes`` (3, V) bool: which of them may stand for a word in lower case, for
    one with a capital, for one of a script without spaces; a name, or what else has a capital of its own, for none but
    the second, and an acronym for none.
    """

    def __init__(self, tokenizer: Any, size: int, language: str) -> None:
        pieces = tokenizer.convert_ids_to_tokens(list(range(min(size, len(tokenizer)))))
        special = set(tokenizer.all_special_tokens)
        self.begins = _mark(pieces)
        self.word = np.full(size, "", dtype=object)
        unspaced = np.zeros(size, dtype=bool)
        for number, piece in enumerate(pieces):
            if piece is None or piece in special:
                continue
            text = tokenizer.convert_tokens_to_string([piece]).strip() if self.begins == "Ġ" else piece
            text = text.removeprefix("▁")
            if not text.isalpha() or is_negation(text, language):
                continue
            unspaced[number] = _UNSPACED.fullmatch(text) is not None
            if unspaced[number] or (not _UNSPACED.search(text) and piece.startswith(self.begins)):
                self.word[number] = text
        lower = np.array([text.islower() for text in self.word], dtype=bool)
        title = np.array([text.istitle() for text in self.word], dtype=bool)
        self.classes = np.stack([lower & ~unspaced, (lower | title) & ~unspaced, unspaced])

    @staticmethod
    def class_of(original: str) -> int:
        """The class of the pieces that may stand for the word ``original``."""
        if _UNSPACED.fullmatch(original):
            return 2
        return 0 if original.islower() else 1


def _mark(pieces: list[str | None]) -> str:
    """What the pieces that begin a word start with; "" in a WordPiece vocabulary, where the others are marked."""
    known = [piece for piece in pieces if piece]
    if any(piece.startswith("##") for piece in known):
        return ""
    return next((mark for mark in _BEGINS if any(piece.startswith(mark) for piece in known)), "")


def in_case_of(word: str, original: str) -> str:
    """``word`` in lower case, with a capital, or in capitals, as the word that it stands for."""
    if original.isupper() and len(original) > 1:
        return word.upper()
    if original[:1].isupper():
        return word[:1].upper() + word[1:]
    return word

"""Tiny tokenizers of every family, each from a vocabulary written here."""

import json
from pathlib import Path
from typing import Any

import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    BertTokenizer,
    ByT5Tokenizer,
    DebertaV2Tokenizer,
    GPT2Tokenizer,
    PreTrainedTokenizerFast,
    RobertaTokenizer,
    XLMRobertaTokenizer,
    XLNetTokenizer,
)

LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]
WORDS = ["the", "cat", "dog", "un", "believ", "able"]
#: What random texts are put together of: words, odd spaces, unknown characters, special tokens spelled out.
FRAGMENTS = [
    *("the", "cat", "unbelievable", "The", "a", "x", ".", "-", "Z", "é", "你", "\U0001f600"),
    *(" ", " ", "  ", "\n", "\t", "\u3000"),
    *("[SEP]", "[MASK]", "</s>", " <mask> ", "<s>"),
]


def bert() -> Any:
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*LETTERS, *WORDS]
    vocabulary = [*specials, *pieces, *(f"##{piece}" for piece in pieces), ".", "你"]
    return BertTokenizer(vocab={token: number for number, token in enumerate(vocabulary)})


def _bytes(specials: list[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges of a byte-level BPE."""
    merges = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("c", "a"), ("ca", "t"), ("Ġ", "cat"), ("Ġ", "c")]
    tokens = [*specials, *sorted(ByteLevel.alphabet()), *(first + second for first, second in merges)]
    return {token: number for number, token in enumerate(tokens)}, merges


def roberta(**changes: Any) -> Any:
    vocabulary, merges = _bytes(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    return RobertaTokenizer(vocab=vocabulary, merges=merges, **changes)


def roberta_with_prefix_space() -> Any:
    return roberta(add_prefix_space=True)


def gpt2() -> Any:
    """No special token around anything."""
    vocabulary, merges = _bytes(["<|endoftext|>"])
    return GPT2Tokenizer(vocab=vocabulary, merges=merges)


def modernbert() -> Any:
    """Byte-level BPE with BERT's special tokens, no class of its own."""
    vocabulary, merges = _bytes(["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"])
    raw = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    names = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "[MASK]"}
    return PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="[UNK]", **names)


def _pieces(specials: list[str]) -> list[tuple[str, float]]:
    """A unigram vocabulary with scores, as SentencePiece makes one."""
    plain = [*LETTERS, *WORDS, ".", "你"]
    scored = [(piece, -8.0 + len(piece)) for piece in (*plain, *(f"▁{piece}" for piece in plain))]
    return [*((token, 0.0) for token in specials), ("▁", -3.0), *scored]


def xlm_roberta() -> Any:
    return XLMRobertaTokenizer(vocab=[*_pieces(["<s>", "<pad>", "</s>", "<unk>"]), ("<mask>", 0.0)])


def deberta() -> Any:
    return DebertaV2Tokenizer(
        vocab=[*_pieces(["[PAD]", "[CLS]", "[SEP]", "[UNK]"]), ("[MASK]", 0.0)], unk_id=3
    )


def xlnet() -> Any:
    """Special tokens behind the text, of a third token type."""
    specials = ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"]
    return XLNetTokenizer(vocab=_pieces(specials))


def first_word() -> Any:
    """A space is put before the first word of a text only; nothing between two segments."""
    raw = Tokenizer(models.Unigram(_pieces(["<unk>", "<s>", "</s>"]), unk_id=0, byte_fallback=False))
    raw.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    raw.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A $B </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="</s>", unk_token="<unk>")


def byt5() -> Any:
    """Written in Python: there is no tokenizer.json of it."""
    return ByT5Tokenizer(extra_ids=0)


SAMPLES = {
    make.__name__: make
    for make in (
        *(bert, roberta, roberta_with_prefix_space, gpt2, modernbert),
        *(xlm_roberta, deberta, xlnet, first_word, byt5),
    )
}
#: How many token types the encoders of these families tell apart; none says it for the others.
TOKEN_TYPES = {"bert": 2, "xlnet": 3, "roberta": 1, "xlm_roberta": 1, "deberta": 0}


def save(name: str, folder: Path) -> Path:
    """Save a sample with the line of its encoder's config that counts."""
    transformers.utils.logging.set_verbosity_error()
    SAMPLES[name]().save_pretrained(folder)
    types = {"type_vocab_size": TOKEN_TYPES[name]} if name in TOKEN_TYPES else {}
    (folder / "config.json").write_text(json.dumps({"hidden_size": 8, **types}), encoding="utf-8")
    return folder

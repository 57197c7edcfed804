"""A tokenizer with a vocabulary of the corpus itself, written as a ``tokenizer.json`` that AutoTokenizer opens."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from podium.errors import UserError

PAD, UNK, CLS, SEP, MASK = SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")  # their ids are 0 to 4
#: The names under which BERT's own tokenizers keep them.
ROLES = {"pad_token": PAD, "unk_token": UNK, "cls_token": CLS, "sep_token": SEP, "mask_token": MASK}
_LETTERS = 1000  # kinds of letters of byte-pair encoding at most


def learn(texts: Iterable[str], *, tokens: str, vocab_size: int, min_count: int) -> Tokenizer:
    """Return a tokenizer whose vocabulary are the special tokens and at most ``vocab_size`` in all, by frequency.

    ``tokens`` is ``words`` (runs of letters, digits and ``_``, runs of other signs), ``characters`` or ``subwords``
    (byte-pair encoding, Sennrich et al. 2016, arXiv 1508.07909, with U+2581 before each word). The case of letters
    stays: a text view can take it away. Ties go by the order of the letters, so the same texts give the same file.

    Raises ``UserError`` when no token occurs ``min_count`` times.
    """
    if tokens == "subwords":
        tokenizer = _subwords(texts, vocab_size, min_count)
    else:
        tokenizer = _counted(texts, tokens, vocab_size, min_count)
    if tokenizer.get_vocab_size() <= len(SPECIAL):
        raise UserError(
            f"pretrain: no token occurs min_count {min_count} times in the texts; lower scratch.min_count"
        )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{CLS} $A {SEP}",
        pair=f"{CLS} $A {SEP} $B:1 {SEP}:1",
        special_tokens=[(CLS, SPECIAL.index(CLS)), (SEP, SPECIAL.index(SEP))],
    )
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """Write ``tokenizer.json`` and ``tokenizer_config.json`` into ``folder``."""
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **ROLES).save_pretrained(str(folder))


def _counted(texts: Iterable[str], tokens: str, vocab_size: int, min_count: int) -> Tokenizer:
    """Whole words, or single characters; white space is no token."""
    splitter: Any = pre_tokenizers.Whitespace()
    if tokens == "characters":
        splitter = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("."), "isolated")]
        )
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(piece for piece, _ in splitter.pre_tokenize_str(text))
    kept = [token for token, number in counts.items() if number >= min_count and token not in SPECIAL]
    kept = sorted(kept, key=lambda token: (-counts[token], token))[: vocab_size - len(SPECIAL)]
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *kept])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNK))
    tokenizer.pre_tokenizer = splitter
    return tokenizer


def _subwords(texts: Iterable[str], vocab_size: int, min_count: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token=UNK))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(),
            pre_tokenizers.Punctuation(),
            pre_tokenizers.Digits(individual_digits=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_count,
        limit_alphabet=min(_LETTERS, vocab_size // 2),
        special_tokens=list(SPECIAL),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer

"""Words replaced by what a masked language model puts in their place.

Words drawn at random are masked all at once, and each is replaced by a draw among the model's ``top_k`` likeliest
words: the replacement of Wu et al. 2019 (Conditional BERT Contextual Augmentation, arXiv 1812.06705), with the
pretrained model as it is, which is the "BERT" that they compare theirs with. Theirs, like those of Kumar et al. 2020
(arXiv 2003.02245), is fine-tuned to know the label of the text; that would need a model for each fold, since none may
know held-out labels. So a label can turn: the filters are for that.

Unlike both, only whole words of one piece are replaced, words of negation stay, the word itself is never drawn, and all
else in the text, case too, stays as it was. In Chinese a word is what rjieba cuts; a word of two letters is replaced by
two letters that together are a word again.
"""

import itertools
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import torch

from podium.augment import Resources
from podium.augment.frame import Job, Segments, assemble, jobs
from podium.augment.masked_lm import Vocabulary, in_case_of, open_masked_lm
from podium.augment.negation import is_negation
from podium.augment.words import cut
from podium.engine.backbones import check_ids, open_tokenizer
from podium.engine.batching import length_batches
from podium.errors import UserError
from podium.unspaced import MARKS

log = logging.getLogger(__name__)

_LETTERS = rf"[^\W\d_](?:[^\W\d_]|[{MARKS}])*"
_WORD = re.compile(rf"{_LETTERS}(?:['’-]{_LETTERS})*")
_LONGEST = 2  # letters of a Chinese word that may be replaced


def run(
    table: pd.DataFrame,
    *,
    method: str,
    seed: int,
    copies: int,
    draws: int,
    segments: Segments,
    resources: Resources,
    encoder: str,
    rate: float,
    top_k: int,
    temperature: float,
    max_length: int,
    batch_tokens: int,
) -> pd.DataFrame:
    """Make ``copies`` new rows of each row for each of ``draws`` draws.

    Parameters
    ----------
    encoder
        Folder of a masked language model with its head and tokenizer.
    rate
        Share of a text's replaceable words to replace, at least one.
    top_k, temperature
        Each replacement is drawn among so many of the likeliest words, with probabilities p^(1/temperature).
    max_length
        Tokens of the text that the model reads, special ones counted; what is beyond stays as it is.
    batch_tokens
        Tokens of a batch, padding counted: texts of similar length go together.

    Returns
    -------
    As ``podium.augment.frame.assemble``. A copy in which nothing could be replaced is left out. The model computes in
    fp32, and what is drawn depends on the text and its seed: the texts that share its batch have a part only in the
    last bits of the probabilities.

    Raises
    ------
    UserError
        The folder holds no masked language model with a trained head and a fast tokenizer, or no text could be changed.
    """
    try:
        filler = Filler(Path(encoder), max_length=max_length, resources=resources)
    except UserError as error:
        raise UserError(f"augment.{method}.encoder: {str(error).removeprefix('transformer: ')}") from error
    wanted = jobs(table, copies=copies, draws=draws, segments=segments, seed=seed)
    made = filler.fill(wanted, rate=rate, top_k=top_k, temperature=temperature, batch_tokens=batch_tokens)
    changed = [(job, text) for job, text in zip(wanted, made, strict=True) if text is not None]
    if wanted and not changed:
        raise UserError(
            f"augment.{method}: the vocabulary of {encoder} has none of the words of {len(table)} texts as one piece; "
            "take the augmentation out, or a model of this language"
        )
    log.info("%s: %d of %d texts changed", method, len(changed), len(wanted))
    return assemble(
        table, [job for job, _ in changed], [text for _, text in changed], method=method, copies=copies
    )


@dataclass(frozen=True, slots=True)
class Slot:
    """A word to replace: its letters in the text, and the places of its tokens."""

    start: int
    end: int
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A text as the model reads it: its token ids, and the words that can be replaced."""

    ids: list[int]
    slots: list[Slot]


class Filler:
    """An opened masked language model, to replace words with."""

    def __init__(self, folder: Path, *, max_length: int, resources: Resources) -> None:
        self.max_length, self.language = max_length, resources.language
        self.device = torch.device(resources.device)
        self.model = open_masked_lm(folder).to(self.device)
        self.tokenizer = open_tokenizer(folder, token_types=0)
        if not self.tokenizer.is_fast or self.tokenizer.mask_token_id is None:
            raise UserError(f"the tokenizer in {folder} has no mask token, or no tokenizer.json")
        size = int(self.model.get_input_embeddings().num_embeddings)
        check_ids(len(self.tokenizer) - 1, self.model, folder)
        self.vocabulary = Vocabulary(self.tokenizer, size, self.language)
        self.classes = torch.tensor(self.vocabulary.classes, device=self.device)

    def read(self, text: str) -> Read:
        """Token ids of a text, and its replaceable words: whole words of one piece, in Chinese of one a letter."""
        encoded = self.tokenizer(
            text, truncation=True, max_length=self.max_length, return_offsets_mapping=True
        )
        ids = list(encoded["input_ids"])
        at: dict[int, tuple[int, int]] = {}
        for place, (start, end) in enumerate(encoded["offset_mapping"]):
            start += len(text[start:end]) - len(text[start:end].lstrip())
            if start < end and self.vocabulary.word[ids[place]]:
                at[start] = end, place
        slots = [slot for start, end in self._words(text) if (slot := _slot(start, end, at)) is not None]
        return Read(ids, slots)

    def _words(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield first letter and end of every word that does not negate."""
        if self.language != "zh":
            spans = ((match.start(), match.end()) for match in _WORD.finditer(text))
            yield from (
                (start, end) for start, end in spans if not is_negation(text[start:end], self.language)
            )
            return
        place = 0
        for before, word in cut(text):
            start = place + len(before)
            place = start + len(word)
            if word.isalpha() and not is_negation(word, "zh"):
                yield start, place

    def fill(
        self, wanted: list[Job], *, rate: float, top_k: int, temperature: float, batch_tokens: int
    ) -> list[str | None]:
        """The changed text of each job; None where no word could be replaced."""
        known: dict[str, Read] = {}
        for job in wanted:
            if job.text not in known:
                known[job.text] = self.read(job.text)
        able = [number for number, job in enumerate(wanted) if known[job.text].slots]
        lengths = np.array([len(known[wanted[number].text].ids) for number in able], dtype=np.int64)
        made: list[str | None] = [None] * len(wanted)
        for batch in length_batches(lengths, batch_tokens) if able else []:
            numbers = [able[position] for position in batch.tolist()]
            chosen = []
            for number in numbers:
                random, slots = Random(wanted[number].seed), known[wanted[number].text].slots
                picked = random.sample(slots, max(1, int(rate * len(slots))))
                chosen.append((random, sorted(picked, key=lambda slot: slot.start)))
            texts = [wanted[number].text for number in numbers]
            reads = [known[text] for text in texts]
            best = iter(self._best(texts, reads, [slots for _, slots in chosen], top_k))
            for number, text, (random, slots) in zip(numbers, texts, chosen, strict=True):
                words = [
                    self._draw(
                        text[slot.start : slot.end], [next(best) for _ in slot.places], random, temperature
                    )
                    for slot in slots
                ]
                made[number] = _spliced(text, slots, words)
        return made

    def _best(
        self, texts: list[str], reads: list[Read], slots: list[list[Slot]], top_k: int
    ) -> list[list[tuple[str, float]]]:
        """The likeliest words and their logits, best first, for each masked place; in the order of rows and slots.

        Never what stands there.
        """
        logits, places = self._logits([read.ids for read in reads], slots)
        originals = [
            texts[row][slot.start : slot.end] if len(slot.places) == 1 else texts[row][slot.start + part]
            for row, own in enumerate(slots)
            for slot in own
            for part in range(len(slot.places))
        ]
        assert len(originals) == len(places)
        classes = torch.tensor([self.vocabulary.class_of(word) for word in originals], device=self.device)
        logits = logits.masked_fill(~self.classes[classes], -torch.inf)
        # Two more: the word itself, in lower case and with a capital
        values, pieces = logits.topk(min(top_k + 2, logits.shape[1]), dim=1)
        found = []
        for word, scores, numbers in zip(originals, values.tolist(), pieces.tolist(), strict=True):
            others = [
                (str(self.vocabulary.word[number]), score)
                for score, number in zip(scores, numbers, strict=True)
                if score > -np.inf and self.vocabulary.word[number].casefold() != word.casefold()
            ]
            found.append(others[:top_k])
        return found

    def _logits(
        self, ids: list[list[int]], slots: list[list[Slot]]
    ) -> tuple[torch.Tensor, list[tuple[int, int]]]:
        """Logits (M, V) float32 of the M masked places (row, token), in the order of rows and slots."""
        width = max(len(row) for row in ids)
        tokens = torch.full((len(ids), width), int(self.tokenizer.pad_token_id or 0))
        mask = torch.zeros_like(tokens)
        for row, own in enumerate(ids):
            tokens[row, : len(own)], mask[row, : len(own)] = torch.tensor(own), 1
        places = [(row, place) for row, own in enumerate(slots) for slot in own for place in slot.places]
        rows, columns = torch.tensor(places).T.to(self.device)
        tokens, mask = tokens.to(self.device), mask.to(self.device)
        tokens[rows, columns] = int(self.tokenizer.mask_token_id)
        with torch.inference_mode(), _only(self.model, rows, columns):
            logits = self.model(input_ids=tokens, attention_mask=mask).logits
        found = logits[rows, columns] if logits.ndim == 3 else logits
        return found.float(), places

    def _draw(
        self, original: str, options: list[list[tuple[str, float]]], random: Random, temperature: float
    ) -> str | None:
        """A word in place of ``original`` from the ``options`` of each of its pieces; None where there is none."""
        found = [
            ("".join(word for word, _ in combined), sum(score for _, score in combined))
            for combined in itertools.product(*options)
        ]
        if len(options) > 1:
            found = [(word, score) for word, score in found if _is_word(word)]
        if not found:
            return None
        scores = np.array([score for _, score in found], dtype=np.float64) / temperature
        weights = np.exp(scores - scores.max())
        return in_case_of(random.choices([word for word, _ in found], weights.tolist())[0], original)


class _only:
    """While open, the model's output layer sees the given places of a batch alone: the logits of all fill the memory.

    A model without such a layer computes the logits of every place.
    """

    def __init__(self, model: Any, rows: torch.Tensor, columns: torch.Tensor) -> None:
        self.layer, self.rows, self.columns = model.get_output_embeddings(), rows, columns

    def __enter__(self) -> None:
        self.hook = self.layer and self.layer.register_forward_pre_hook(
            lambda _, states: (states[0][self.rows, self.columns],)
        )

    def __exit__(self, *_: object) -> None:
        if self.hook:
            self.hook.remove()


def _slot(start: int, end: int, at: dict[int, tuple[int, int]]) -> Slot | None:
    """The slot of the word ``start`` to ``end``, where it is one piece, or a short Chinese word of one a letter."""
    if start not in at:
        return None
    if at[start][0] == end:
        return Slot(start, end, (at[start][1],))
    letters = range(start, end)
    if len(letters) <= _LONGEST and all(at.get(letter, (0, 0))[0] == letter + 1 for letter in letters):
        return Slot(start, end, tuple(at[letter][1] for letter in letters))
    return None


def _is_word(text: str) -> bool:
    import rjieba

    return bool(rjieba.cut(text, hmm=False) == [text]) and not is_negation(text, "zh")


def _spliced(text: str, slots: list[Slot], words: list[str | None]) -> str | None:
    """``text`` with words in place of its slots; None where there is no word for any."""
    if not any(words):
        return None
    parts, last = [], 0
    for slot, word in zip(slots, words, strict=True):
        parts += [text[last : slot.start], text[slot.start : slot.end] if word is None else word]
        last = slot.end
    return "".join([*parts, text[last:]])

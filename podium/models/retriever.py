"""``retriever``: answers without an encoder: the sentence most like the question, and trees that score spans.

Two boosted models score each word of a context as the answer's first and last; a third scores the spans that they find
best, and whole sentences and clauses, by how much of them is right. The word models come in two pairs, each of one
half of the contexts, so that the spans to learn from have scores of the pair that has not seen them; new questions have
the mean of both.
"""

import dataclasses
import itertools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import lightgbm
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from podium.errors import UserError
from podium.files import read_json, write_json, write_text
from podium.span import span_features
from podium.span.answers import Answer, decode_all, placed, trainable
from podium.span.predictions import Spans
from podium.span.sentences import Words
from podium.span.word_features import Context, Lexicon, features, word_span

log = logging.getLogger(__name__)

_KEPT, _LEAST = 30, 1e-5
_SHARPER = 3  # power of a span's F1 that is learned: what is half right should not win
_PARTS = ("first0", "last0", "first1", "last1", "span")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """See ``podium.config.span.Retriever``."""

    trees: int
    learning_rate: float
    num_leaves: int
    min_data_in_leaf: int
    negatives: int
    sharpness: float


class Model:
    """The boosted models and what is learned of words; follows ``podium.span.members.Member``."""

    def __init__(self, options: Options, *, seed: int, device: str, threads: int) -> None:
        self.options, self.seed, self.threads = options, seed, threads
        self.lexicon = Lexicon({}, {}, {})
        self.null: list[float] = []  # intercept and slopes; none where every question has an answer
        self.boosters: list[lightgbm.Booster] = []

    def fit(
        self, rows: pd.DataFrame, target: Sequence[str], weight: np.ndarray, *, scratch: Path | None = None
    ) -> None:
        """Fit on questions and contexts (N); see ``Member.fit``. Raises ``UserError`` where there is no answer."""
        answers = decode_all(target)
        used = [row for row, own in enumerate(answers) if trainable(own) and weight[row] > 0]
        texts, questions = rows["text_b"].tolist(), rows["text_a"].tolist()
        words = {text: Words.of(text) for text in dict.fromkeys(texts[row] for row in used)}
        spans = {row: _spans(words[texts[row]], answers[row]) for row in used}
        answered = [row for row in used if spans[row]]
        if not answered:
            raise UserError("retriever: none of the training questions has an answer in its context")
        self.lexicon = Lexicon.fit(words.values(), ((words[texts[row]], *spans[row][0]) for row in answered))
        contexts = {text: Context(text, self.lexicon) for text in words}
        generator = np.random.default_rng(self.seed)
        lessons, facts = {}, []
        for row in used:
            columns, similar = features(contexts[texts[row]], questions[row], self.lexicon)
            facts.append(_null_features(columns, similar))
            if spans[row]:
                places = self._sample(spans[row], len(columns), generator)
                ends = [np.isin(places, [span[end] for span in spans[row]]) for end in (0, 1)]
                lessons[row] = columns[places], *ends
        half = dict(zip(words, generator.permutation(len(words)) % 2, strict=True))
        with threadpool_limits(self.threads):
            sides = [[row for row in answered if half[texts[row]] == side] for side in (0, 1)]
            pairs = [self._words({row: lessons[row] for row in own or answered}, weight) for own in sides]
            data = []
            for own, pair in zip(sides, reversed(pairs), strict=True):
                for row in own:
                    context = contexts[texts[row]]
                    columns, _ = features(context, questions[row], self.lexicon)
                    first, last, described = self._candidates(context, columns, pair)
                    wanted = [(answer.start, answer.end) for answer in placed(answers[row])]
                    right = span_features.overlap(context, first, last, wanted) ** _SHARPER
                    data.append((described, right, np.full(len(first), weight[row])))
            self.boosters = [*pairs[0], *pairs[1], self._grown("cross_entropy", data)]
            silent = np.array([not answers[row] for row in used])
            self.null = _fit_null(np.array(facts), silent, weight[used])
        log.info("retriever: %d questions, %d left out", len(rows), len(rows) - len(used))

    def _words(self, lessons: dict[int, Any], weight: np.ndarray) -> list[lightgbm.Booster]:
        """Models of the answers' first and last words."""
        return [
            self._grown(
                "binary",
                [
                    (own[0], own[1 + end].astype(float), np.full(len(own[0]), weight[row]))
                    for row, own in lessons.items()
                ],
            )
            for end in (0, 1)
        ]

    def _candidates(
        self, context: Context, columns: np.ndarray, words: Sequence[lightgbm.Booster]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """First and last words of the spans that come into question, and the spans' features, by one pair or two."""
        scores = np.array([self._scores(booster, columns) for booster in words])
        scores = scores.reshape(-1, 2, len(columns)).mean(axis=0)
        first, last = span_features.candidates(context, columns, scores)
        return first, last, span_features.features(context, columns, scores, first, last)

    def _scores(self, booster: lightgbm.Booster, columns: np.ndarray) -> np.ndarray:
        return np.asarray(booster.predict(columns, raw_score=True, num_threads=self.threads))

    def _sample(self, own: list[tuple[int, int]], count: int, generator: np.random.Generator) -> np.ndarray:
        """Words that one question teaches: those of its answers' ends, and as many others as the options say."""
        ends = np.unique([place for span in own for place in span])
        others = generator.permutation(count)[: self.options.negatives]
        return np.unique(np.r_[ends, others])

    def _grown(
        self, objective: str, parts: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]
    ) -> lightgbm.Booster:
        columns, label, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
        data = lightgbm.Dataset(columns, label=label, weight=weight, free_raw_data=True)
        return lightgbm.train(
            self._parameters() | {"objective": objective}, data, num_boost_round=self.options.trees
        )

    def _parameters(self) -> dict[str, Any]:
        return {
            "learning_rate": self.options.learning_rate,
            "num_leaves": self.options.num_leaves,
            "min_data_in_leaf": self.options.min_data_in_leaf,
            "feature_fraction": 0.7,
            "num_threads": self.threads,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }

    def predict(self, rows: pd.DataFrame) -> Spans:
        """Return the predictions for questions ``id``, ``text_a`` with contexts ``text_b``."""
        known: dict[str, Context] = {}
        entries: list[list[np.ndarray]] = [[], [], [], []]
        nulls = np.ones(len(rows))
        for number, (question, text) in enumerate(zip(rows["text_a"], rows["text_b"], strict=True)):
            context = (
                known.setdefault(text, Context(text, self.lexicon)) if text not in known else known[text]
            )
            if not len(context.words):
                continue
            columns, similar = features(context, question, self.lexicon)
            first, last, described = self._candidates(context, columns, self.boosters[:4])
            score = self.options.sharpness * self._scores(self.boosters[4], described)
            powers = np.exp(score - score.max())
            proba = powers / powers.sum()
            nulls[number] = self._null(_null_features(columns, similar))
            nothing = np.zeros(len(first))
            parts = (
                np.full(2 * len(first), number),
                np.r_[context.words.start[first], context.words.end[last] - 1],
                np.r_[proba, nothing],
                np.r_[nothing, proba],
            )
            for entry, part in zip(entries, parts, strict=True):
                entry.append(part)
        row, place, start, end = (np.concatenate([np.zeros(0), *entry]) for entry in entries)
        ids = rows["id"].tolist()
        spans = Spans.gather(ids, row.astype(np.int64), place.astype(np.int64), start, end, nulls)
        return spans.pruned(kept=_KEPT, least=_LEAST)

    def _null(self, facts: np.ndarray) -> float:
        if not self.null:
            return 0.0
        return float(1 / (1 + np.exp(-(self.null[0] + facts @ np.array(self.null[1:])))))

    def save(self, folder: Path) -> None:
        """Write ``retriever.json`` and the trees as LightGBM's text."""
        facts = {
            "options": dataclasses.asdict(self.options),
            "seed": self.seed,
            "lexicon": dataclasses.asdict(self.lexicon),
            "null": self.null,
        }
        write_json(facts, folder / "retriever.json")
        for name, booster in zip(_PARTS, self.boosters, strict=True):
            write_text(booster.model_to_string(), folder / f"{name}.txt")

    @classmethod
    def load(cls, folder: Path, *, device: str, threads: int) -> Self:
        """Read what ``save`` wrote."""
        saved = read_json(folder / "retriever.json")
        model = cls(Options(**saved["options"]), seed=saved["seed"], device=device, threads=threads)
        model.lexicon, model.null = Lexicon(**saved["lexicon"]), saved["null"]
        model.boosters = [lightgbm.Booster(model_file=folder / f"{name}.txt") for name in _PARTS]
        return model


def _spans(words: Words, answers: Sequence[Answer]) -> list[tuple[int, int]]:
    """First and last word of each placed answer."""
    found = (word_span(words, answer.start, answer.end) for answer in placed(answers))
    return [span for span in found if span is not None]


def _null_features(columns: np.ndarray, similar: np.ndarray) -> np.ndarray:
    """What tells a question that has no answer: how alike the best sentences are, how much of it stands there."""
    ordered = np.sort(similar)[::-1]
    second = ordered[1] if len(ordered) > 1 else 0.0
    return np.array([ordered[0], ordered[0] - second, columns[:, -3].max(), columns[:, -2].max()])


def _fit_null(facts: np.ndarray, silent: np.ndarray, weight: np.ndarray) -> list[float]:
    if not silent.any() or silent.all():
        return []
    found = LogisticRegression(C=1.0, max_iter=300).fit(facts, silent, sample_weight=weight)
    return [float(value) for value in itertools.chain(found.intercept_, found.coef_[0])]

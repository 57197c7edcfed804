"""Question answering: the reader beside transformers' own example recipe: EM, F1 and training speed.

Both train the same encoder on the questions of four articles of SQuAD 2.0's development part, the same number of
epochs, and answer those of the fifth, in turns, in one process. Speed is questions of an
epoch per CPU-second of training, tokenising included: the example reads every window of a context in each epoch, padded
to the full length, in fp32 as it does by default; the reader one window at a random place, and some without the answer.
The ratio is the median over the rounds, the first of which is discarded where there are several. The rate that the
example documents (3e-5) is for 88,000 questions; both have the same one here.
"""

import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import data_sets
from bench.clock import Clock, Cost
from bench.common import arguments, show
from bench.fresh import as_shipped
from bench.qa_recipe import Example, Recipe
from bench.runs import plain_errors
from podium.config.base import Model as ModelBlock
from podium.config.span import Reader, SpanDecision
from podium.models.reader import Model, Options
from podium.span import metrics
from podium.span.answers import decode_all, texts
from podium.span.decode import length_limit
from podium.span.ingest import from_file
from podium.span.rules import Rule, RuleOptions, answer

FILE = "squad/dev_part.json"
DOC_STRIDE = 128
METRICS = ("squad_em", "squad_f1")


def main() -> None:
    """Measure and print."""
    given = arguments(
        __doc__.splitlines()[0],
        encoder={"type": Path, "help": "folder of the encoder; the default competition's where not given"},
        epochs={"type": int, "default": 3, "help": "passes over the training questions"},
        rounds={"type": int, "default": 3, "help": "rounds, each with another article held out"},
        length={"type": int, "default": 384, "help": "tokens of a window"},
        rate={"type": float, "default": 1e-4, "help": "peak learning rate of both"},
        unanswerable={"action": "store_true", "help": "questions without an answer take part, too"},
        threads={"type": int, "default": 1, "help": "threads of each contender"},
    )
    train, test, rounds, epochs = None, None, given.rounds, given.epochs
    if given.quick:
        train, test, rounds, epochs = 32, 16, 1, 1
    encoder = given.encoder or data_sets.encoder()
    rows = _questions(given.unanswerable)
    articles = sorted(rows["group"].unique())
    found: list[dict[str, Any]] = []
    for number in range(rounds):
        held = rows["group"] == articles[number % len(articles)]
        parts = [
            part.sample(frac=1, random_state=number).head(count).reset_index(drop=True)
            for part, count in ((rows[~held], train), (rows[held], test))
        ]
        recipe = Recipe(
            encoder=encoder,
            max_length=given.length,
            doc_stride=DOC_STRIDE,
            batch_size=12,
            epochs=epochs,
            learning_rate=given.rate,
            threads=given.threads,
            seed=number,
        )
        contenders = [("example", run_example), ("podium", run_reader)]
        for name, run in contenders if number % 2 == 0 else reversed(contenders):
            scores, cost = run(recipe, *parts, null=given.unanswerable)
            found.append({"round": number, "contender": name, **scores, "samples_per_cpu_s": cost.rate})
            print(
                {
                    key: round(value, 4) if isinstance(value, float) else value
                    for key, value in found[-1].items()
                }
            )
    table, result = summary(found)
    show(table, {**result, "rounds": found, "epochs": epochs, "max_length": given.length}, given.json)


def summary(found: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return a row a contender, and the ratio of speeds and gains of scores by round."""
    rounds = pd.DataFrame(found).set_index(["round", "contender"]).unstack("contender")
    table = []
    for name in ("example", "podium"):
        own = rounds.xs(name, axis=1, level="contender")
        table.append(
            {"contender": name, **{key: float(own[key].mean()) for key in (*METRICS, "samples_per_cpu_s")}}
        )
    ratios = (rounds["samples_per_cpu_s", "podium"] / rounds["samples_per_cpu_s", "example"]).tolist()
    result: dict[str, Any] = {"speed": statistics.median(ratios[1:] or ratios)}
    for name in METRICS:
        result[f"gain_{name}"] = float((rounds[name, "podium"] - rounds[name, "example"]).mean())
    table[1]["speed_ratio"] = result["speed"]
    table[0]["speed_ratio"] = 1.0
    return table, result


def run_example(
    recipe: Recipe, train: pd.DataFrame, test: pd.DataFrame, *, null: bool
) -> tuple[dict[str, float], Cost]:
    """Train the example's model, answer the test questions."""
    model = Example(recipe)
    cost = model.train(train)
    return _scores(model.answer(test, null=null), test), cost


def run_reader(
    recipe: Recipe, train: pd.DataFrame, test: pd.DataFrame, *, null: bool
) -> tuple[dict[str, float], Cost]:
    """Train the reader, answer the test questions; the longest answer is learned from the training part."""
    block = Reader(
        kind="reader",
        encoder=str(recipe.encoder),
        max_length=recipe.max_length,
        overlap=recipe.doc_stride,
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        threads=recipe.threads,
    ).settled()
    others = {*ModelBlock.model_fields, "kind", "revision", "refit"}
    options = Options(**{key: value for key, value in block.items() if key not in others})
    clock = Clock()
    with as_shipped(recipe.threads):
        model = Model(options, seed=recipe.seed, device="cpu", threads=recipe.threads)
        opened = Clock()  # opening the encoder is a contender's own affair, outside of the training
        with clock.running(), opened.inside(Model, "_build"):
            model.fit(train, train["target"].tolist(), np.ones(len(train)))
        spans = model.predict(test)
    decision = RuleOptions(**SpanDecision().model_dump() | {"unanswered": False})
    limit = length_limit(decode_all(train["target"]), share=decision.length_share)
    rule = Rule(threshold=0.0 if null else None, max_characters=limit)
    cost = Cost(
        recipe.epochs * len(train), len(model.curve), clock.cpu - opened.cpu, clock.wall - opened.wall
    )
    return _scores(answer(rule, spans, test["text_b"].tolist(), options=decision), test), cost


def _scores(answers: list[str], test: pd.DataFrame) -> dict[str, float]:
    wanted = [texts(one) for one in decode_all(test["target"])]
    return {name: metrics.score(name, answers, wanted).value for name in METRICS}


def _questions(unanswerable: bool) -> pd.DataFrame:
    settings: dict[str, Any] = {"answered": True, "group": "article", "max_lost": 0.1}
    rows = from_file(data_sets.given_file(FILE), None, encoding=None, separator=None, **settings).rows
    return rows if unanswerable else rows[rows["target"] != "[]"].reset_index(drop=True)


if __name__ == "__main__":
    with plain_errors():
        main()

"""What averaging the fold models of the retriever brings, beside what a run would expect of it: real questions.

Of a set's questions some are learned from and others, on other paragraphs, answered; both are drawn anew for each
split. Both parts are annotated alike, so that cross-validation should be true but for the averaging. Finished splits
are kept in ``--json FILE``.
"""

from typing import Any

import numpy as np
import pandas as pd

from bench import data_sets
from bench.common import arguments, show
from bench.runs import mean_and_error, plain_errors, run_all
from podium.config.span import Retriever, SpanDecision
from podium.span import averaging, members, metrics, rules
from podium.span.answers import decode_all, texts
from podium.span.ingest import from_file
from podium.span.predictions import Spans, average, join
from podium.span.rules import RuleOptions

SETS: dict[str, dict[str, Any]] = {
    "cmrc": {"file": "cmrc2018/dev.json", "metric": "cmrc_f1"},
    "cmrc exact": {"file": "cmrc2018/dev.json", "metric": "cmrc_em"},
    "squad": {"file": "squad/dev_part.json", "metric": "squad_f1"},
}
FOLDS = 3


def main() -> None:
    """Measure and print."""
    given = arguments(
        __doc__.splitlines()[0],
        sets={"nargs": "+", "default": list(SETS), "choices": list(SETS), "help": "sets of questions"},
        splits={"type": int, "default": 6, "help": "splits of each set"},
        rows={"type": int, "default": 450, "help": "questions to learn from, and to answer"},
        jobs={"type": int, "default": 1, "help": "splits at a time"},
    )
    splits, rows = (1, 90) if given.quick else (given.splits, given.rows)
    specs = [{"set": name, "split": split, "rows": rows} for name in given.sets for split in range(splits)]
    table = []
    results = [result for _, result in run_all(specs, run, given.json, jobs=given.jobs)]
    for name in given.sets:
        mine = [found for spec, found in zip(specs, results, strict=True) if spec["set"] == name]
        columns = {key: mean_and_error(found[key] for found in mine) for key in mine[0]}
        means = {key: mean for key, (mean, _) in columns.items()}
        table.append({"set": name, "splits": len(mine), **means, "SE of averaging": columns["averaging"][1]})
    show(table, {}, None)


def run(spec: dict[str, Any]) -> dict[str, float]:
    """One split: what is reported, what the mean and single models are worth, and the expected gain."""
    block = SETS[spec["set"]]
    learned, asked = _parts(block, spec["split"], spec["rows"])
    metric, options = block["metric"], RuleOptions(**SpanDecision().model_dump())
    numbers = pd.factorize(learned["group"])[0] % FOLDS
    alone, held = [], []
    for fold in range(FOLDS):
        member = _fitted(learned[numbers != fold].reset_index(drop=True), spec["split"])
        alone.append(member.predict(asked))
        held.append(member.predict(learned[numbers == fold].reset_index(drop=True)))
    oof = join(held).in_order(learned["id"].tolist())
    gold, contexts = decode_all(learned["target"]), learned["text_b"].tolist()
    given = rules.crossfit(oof, contexts, gold, numbers, metric=metric, options=options)
    rule = rules.fit(oof, contexts, gold, metric=metric, options=options)
    reported = metrics.score(metric, given, [texts(one) for one in gold])
    submitted, places = average(alone, np.ones(FOLDS)), asked["text_b"].tolist()
    truth = [texts(one) for one in decode_all(asked["target"])]

    def value(said: Spans) -> float:
        return float(metrics.rows(metric, rules.answer(rule, said, places, options=options), truth).mean())

    single, whole = float(np.mean([value(one) for one in alone])), value(submitted)
    said = averaging.look(submitted, alone, places, rule, metric=metric, options=options)
    gain = averaging.expected_gain(said, cv=reported.value, se=reported.se)
    return {
        "reported": reported.value,
        "its SE": reported.se,
        "fold models": single,
        "mean of them": whole,
        "averaging": whole - single,
        "expected": gain.value,
        "its error": gain.se,
    }


def _fitted(rows: pd.DataFrame, seed: int) -> members.Member:
    block = Retriever(kind="retriever").model_dump()
    keys = ("trees", "learning_rate", "num_leaves", "min_data_in_leaf", "negatives", "sharpness")
    options = {key: block[key] for key in keys}
    member = members.make("retriever", options, seed=seed, device="cpu", threads=1)
    member.fit(rows, rows["target"].tolist(), np.ones(len(rows)))
    return member


def _parts(block: dict[str, Any], split: int, rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Questions to learn from and to answer, on other paragraphs."""
    settings: dict[str, Any] = {"answered": True, "group": "paragraph", "max_lost": 0.1}
    file = data_sets.given_file(block["file"])
    every = from_file(file, None, encoding=None, separator=None, **settings).rows
    groups = np.random.default_rng(split).permutation(every["group"].unique())
    half = set(groups[: len(groups) // 2])
    sides = [every[every["group"].isin(half)], every[~every["group"].isin(half)]]
    learned, asked = (
        side.sample(frac=1, random_state=split).head(rows).reset_index(drop=True) for side in sides
    )
    return learned, asked


if __name__ == "__main__":
    with plain_errors():
        main()

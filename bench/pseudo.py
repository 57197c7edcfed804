"""Pseudo-labels: the reported score beside the true one, without rounds, with Podium's, and with the naive mode.

In the naive mode, which Podium does not have, the models of all folds vote and every fold is trained with the same
labels: the model of fold k learns from rows that were labelled by models which knew the labels of fold k. It flatters
itself where test rows resemble training rows, so half of the training rows have a copy among the rows to label, a tenth
of its words (of Chinese: characters) left out. The true score is that of the other test rows. Two linear members vote
and their mean is scored. Finished runs are kept in ``--json FILE``, one line each: a stopped measurement is started
again with the same file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench import data_sets
from bench.accuracy import available
from bench.common import arguments, show
from bench.runs import mean_and_error, plain_errors, run_all
from podium import models, train
from podium.config import Linear
from podium.config.pseudo import Pseudo
from podium.duplicates import clusters, comparable, components
from podium.folds import make_folds
from podium.lineage import training_table
from podium.pseudo_choice import Rules, choose
from podium.pseudo_rounds import judge, settled

FOLDS, ROUNDS = 4, 2
CHINESE = ("cic", "tnews", "sentiment", "ocnli")
BASE: dict[str, Any] = {"confidence": 0.6, "balance": "none", "max_share": 0.8}
METHODS: dict[str, dict[str, Any] | None] = {
    "none": None,
    "hard": {},
    "soft": {"labels": "soft"},
    "precision 0.9": {"precision": 0.9, "confidence": 0.0},
    "until it helps": {"until_helps": True},
    "naive": {},
}


@dataclass(frozen=True)
class Sample:
    """One small competition: ``rows`` to train on, the ``pool`` to label, and which of its rows are ``fresh``."""

    rows: pd.DataFrame
    folds: pd.DataFrame
    pool: pd.DataFrame
    fresh: np.ndarray
    labels: list[str]
    members: list[dict[str, Any]]
    seed: int

    def codes(self, targets: pd.Series) -> np.ndarray:
        """Class index of each row."""
        return pd.Categorical(targets, categories=self.labels).codes.astype(np.int64)


def main() -> None:
    """Measure and print."""
    given = arguments(
        __doc__.splitlines()[0],
        data={"nargs": "+", "default": ["r8", "sentiment", "tnews"], "help": "data sets"},
        seeds={"type": int, "default": 10, "help": "number of draws of the rows"},
        rows={"type": int, "default": 300, "help": "training rows"},
        test={"type": int, "default": 600, "help": "test rows"},
        jobs={"type": int, "default": 2, "help": "processes at a time, one thread each"},
    )
    rows, test, seeds, names = given.rows, given.test, given.seeds, given.data
    if given.quick:
        rows, test, seeds, names = 120, 200, 2, names[:1]
    found = available(names)
    specs = [
        {"data": name, "rows": rows, "test": test, "seed": seed} for seed in range(seeds) for name in found
    ]
    if table := summary(run_all(specs, run, given.json, jobs=given.jobs)):
        show(table, {}, None)


def sample(name: str, rows: int, test: int, seed: int) -> Sample:
    """Draw training and test rows, and copies of half of the training rows.

    Both come from the set's training part, so that only chance tells them apart; test rows that resemble a training row
    are left out, as folds keep such rows from each other.
    """
    data = data_sets.load(name)
    rng = np.random.default_rng([seed, 11])
    drawn = data_sets.subset(data.train, rows, seed=seed).reset_index(drop=True)
    rest = data.train[~data.train["id"].isin(drawn["id"])].sample(n=2 * test, random_state=seed)
    forms = comparable([[*drawn["text_a"], *rest["text_a"]]])
    near = components(*(clusters(form, threshold=0.8, seed=seed) for form in forms))
    others = rest[~np.isin(near[len(drawn) :], near[: len(drawn)])].head(test)
    near = near[: len(drawn)]
    copied = drawn.sample(frac=0.5, random_state=seed).reset_index(drop=True)
    joint = "" if name in CHINESE else " "
    texts = [
        joint.join(part for part in (text.split() if joint else text) if rng.random() > 0.1)
        for text in copied["text_a"]
    ]
    copied = copied.assign(id=[f"copy{number}" for number in range(len(copied))], text_a=texts)
    pool = pd.concat([others, copied], ignore_index=True)
    dealt = make_folds(drawn["target"].tolist(), None, near, n=FOLDS, seed=seed, type="single_label")
    folds = pd.DataFrame({"id": drawn["id"], "fold": dealt, "cluster": near})
    return Sample(drawn, folds, pool, np.arange(len(pool)) < len(others), data.labels, _members(name), seed)


def _members(name: str) -> list[dict[str, Any]]:
    spans = ((None, [1, 2]), (None, [1, 3])) if name in CHINESE else (([1, 1], None), ([1, 2], None))
    found = []
    for number, (words, characters) in enumerate(spans):
        tfidf = {
            "word_ngrams": words,
            "char_ngrams": characters,
            "min_df": 1,
            "max_features": (1000, 2000)[number],
        }
        block = Linear(kind="linear", c=(10.0, 100.0)[number], tfidf=tfidf).model_dump()
        found.append({key: block[key] for key in ("tfidf", "c", "class_weight", "max_iter")})
    return found


@dataclass(frozen=True)
class Said:
    """What one member says in one round: out-of-fold (N, K), and each fold's model of the pool (F, P, K)."""

    oof: np.ndarray
    pool: np.ndarray


def trained(sample: Sample, member: int, tables: list[pd.DataFrame] | None) -> Said:
    """Train a member on every fold, with the fold's pseudo-labels, by the library's own way."""
    views = {"train": sample.rows.drop(columns="target"), "test": sample.pool.drop(columns="target")}
    oof, pool = np.zeros((len(sample.rows), len(sample.labels))), []
    for fold in range(FOLDS):
        table = training_table(
            sample.rows[["id", "target"]], sample.folds, fold, pseudo=tables[fold] if tables else None
        )
        data = train.fold_data(table, views, sample.folds, fold, sample.labels, "single_label", epochs=False)
        model = models.make(
            "linear",
            sample.members[member],
            classes=len(sample.labels),
            seed=sample.seed,
            device="cpu",
            threads=1,
        )
        held = train.fit_and_predict(model, data)
        oof[sample.folds["fold"].to_numpy() == fold] = held
        pool.append(model.predict(views["test"]))
    return Said(oof, np.stack(pool))


def labelled(
    sample: Sample, said: list[list[Said]], number: Callable[[int, int], int], rules: Rules
) -> tuple[list[pd.DataFrame], list[dict[str, Any]]]:
    """Each fold's pseudo-labels from its own models in their round ``number(member, fold)``, and the facts."""
    folds, truth = sample.folds["fold"].to_numpy(), sample.codes(sample.rows["target"])
    tables, facts = [], []
    for fold in range(FOLDS):
        chosen = [rounds[number(member, fold)] for member, rounds in enumerate(said)]
        found = _choose(
            sample,
            [one.pool[fold] for one in chosen],
            [one.oof[folds != fold] for one in chosen],
            truth[folds != fold],
            folds[folds != fold],
            rules,
        )
        tables.append(found[0])
        facts.append(found[1])
    return tables, facts


def labelled_by_all(
    sample: Sample, said: list[list[Said]], rules: Rules
) -> tuple[list[pd.DataFrame], list[dict[str, Any]]]:
    """The naive mode: one set of labels for every fold, by the votes of the models of all folds."""
    folds, truth = sample.folds["fold"].to_numpy(), sample.codes(sample.rows["target"])
    voters = [pool for rounds in said for pool in rounds[-1].pool]
    oof = [rounds[-1].oof for rounds in said for _ in range(FOLDS)]
    table, facts = _choose(sample, voters, oof, truth, folds, rules)
    return [table] * FOLDS, [facts] * FOLDS


def _choose(
    sample: Sample,
    candidates: list[np.ndarray],
    oof: list[np.ndarray],
    truth: np.ndarray,
    folds: np.ndarray,
    rules: Rules,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    table, facts = choose(
        candidates,
        oof,
        truth=truth,
        folds=folds,
        names=sample.labels,
        tested=np.ones(len(sample.pool), dtype=bool),
        barred=np.zeros(len(sample.pool), dtype=bool),
        rules=rules,
    )
    taken = table["accepted"].to_numpy()
    counted = taken & sample.fresh  # copies are easier than the out-of-fold rows that the estimate rests on
    right = (table["label"] == sample.pool["target"].to_numpy())[counted]
    table.insert(0, "id", sample.pool["id"].to_numpy())
    return table, {
        "accepted": float(taken.mean()),
        "right": float(right.mean()) if counted.any() else None,
        "estimated": facts["precision"] and facts["precision"]["value"],
    }


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Every method on one draw."""
    drawn = sample(spec["data"], spec["rows"], spec["test"], spec["seed"])
    first = [[trained(drawn, member, None)] for member in range(len(drawn.members))]
    return {name: method(drawn, [list(rounds) for rounds in first], name) for name in METHODS}


def method(sample: Sample, said: list[list[Said]], name: str) -> dict[str, Any]:
    """Rounds by one method; ``said`` holds round 0 of each member and gets the others."""
    block, told = METHODS[name], []
    if block is None:
        return _scores(sample, said, lambda member, fold: 0) | {"rounds": []}
    pseudo = Pseudo(**{**BASE, **block})
    keys = ("agree", "votes", "precision", "max_share", "balance", "top", "labels")
    rules = Rules(**{key: getattr(pseudo, key) for key in keys}, confidence=pseudo.bars())
    verdicts: list[Any] = [None] * len(said)
    truth, folds = sample.codes(sample.rows["target"]), sample.folds["fold"].to_numpy()

    def counting(member: int, fold: int) -> int:
        if not pseudo.until_helps:
            return len(said[member]) - 1
        return verdicts[member]["rounds"][fold] if verdicts[member] else 0

    for _ in range(ROUNDS):
        if name == "naive":
            tables, facts = labelled_by_all(sample, said, rules)
        else:
            tables, facts = labelled(sample, said, counting, rules)
        told.append(facts)
        for member, rounds in enumerate(said):
            if pseudo.until_helps and verdicts[member] and not verdicts[member]["goes_on"]:
                continue
            rounds.append(trained(sample, member, tables))
            if pseudo.until_helps:
                before, after = rounds[-2].oof, rounds[-1].oof
                verdicts[member] = judge("accuracy", truth, folds, before, after, verdict=verdicts[member])
        if pseudo.until_helps and not any(verdict["goes_on"] for verdict in verdicts):
            break
    return _scores(sample, said, counting) | {"rounds": told}


def _scores(sample: Sample, said: list[list[Said]], counting: Callable[[int, int], int]) -> dict[str, float]:
    """Reported and true accuracy of the members' mean."""
    folds, truth = sample.folds["fold"].to_numpy(), sample.codes(sample.rows["target"])
    oof, pool = [], []
    for member, rounds in enumerate(said):
        counted = [rounds[counting(member, fold)] for fold in range(FOLDS)]
        oof.append(settled([one.oof for one in counted], folds))
        pool.append(np.mean([one.pool[fold] for fold, one in enumerate(counted)], axis=0))
    real = sample.codes(sample.pool["target"])[sample.fresh]
    return {
        "cv": float((np.mean(oof, axis=0).argmax(axis=1) == truth).mean()),
        "true": float((np.mean(pool, axis=0)[sample.fresh].argmax(axis=1) == real).mean()),
    }


def summary(results: list[tuple[dict[str, Any], Any]]) -> list[dict[str, Any]]:
    """One row for each data set and method; flattery is how far CV - true is above that without rounds, by draw."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for spec, result in results:
        groups.setdefault(spec["data"], []).append(result)
    table = []
    for data, runs in groups.items():
        for name in METHODS:
            mine = [run[name] for run in runs]
            off, off_error = mean_and_error(run["cv"] - run["true"] for run in mine)
            pairs = [(run[name], run["none"]) for run in runs]
            flattery, its_error = mean_and_error(
                (one["cv"] - one["true"]) - (other["cv"] - other["true"]) for one, other in pairs
            )
            gain, gain_error = mean_and_error(one["true"] - other["true"] for one, other in pairs)
            row: dict[str, Any] = {
                "data": data,
                "method": name,
                "draws": len(mine),
                "CV": mean_and_error(run["cv"] for run in mine)[0],
                "true": mean_and_error(run["true"] for run in mine)[0],
                "CV - true": off,
                "SE": off_error,
                "flattery": flattery,
                "SE of it": its_error,
                "gain": gain,
                "SE of gain": gain_error,
            }
            for number in range(1, ROUNDS + 1):
                for key in ("accepted", "estimated", "right"):
                    row[f"{key} {number}"] = _mean(mine, number, key)
            table.append(row)
    return table


def _mean(runs: list[dict[str, Any]], number: int, key: str) -> float:
    """Mean of a figure of round ``number`` over folds and draws that have it."""
    found = [
        facts[key]
        for run in runs
        if len(run["rounds"]) >= number
        for facts in run["rounds"][number - 1]
        if facts[key] is not None
    ]
    return mean_and_error(found)[0] if found else float("nan")


if __name__ == "__main__":
    with plain_errors():
        main()

"""The rules of lineage, broken on purpose: each function plants one leak in the process of a job that begins.

This is for measurements and tests alone: ``python bench/warm.py --leak NUMBER`` calls ``plant`` in every job, and
nothing in the workflow knows of it. A leak has the number of its rule and a digit, 10 x rule + digit; the number of a
rule alone (1 to 7) plants all of its leaks.
"""

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

RESULTS = Path("results")
TRAIN = "ingest/topic/train.parquet"


def plant(number: int, rule: str) -> None:
    """Break what the jobs of ``rule`` use, where the leak with this number is there."""
    for leak, (_, rules, function) in LEAKS.items():
        if number in (leak, leak // 10) and rule in rules:
            function()


def near_duplicates_apart() -> None:
    """No two rows are near-duplicates."""
    from podium import duplicates

    duplicates.clusters = lambda texts, *, threshold, seed: np.arange(len(texts))


def groups_apart() -> None:
    """No row has a group."""
    from podium import folds

    whole = folds.units
    folds.units = lambda groups, clusters: whole(None, clusters)


def scored_on_relabelled() -> None:
    """The truth of the score has the labels that the noise stage suggests."""

    def change(path: Path, table: pd.DataFrame) -> pd.DataFrame:
        if not path.as_posix().endswith(TRAIN):
            return table
        verdicts = _verdicts()
        new = verdicts.loc[verdicts["relabelled"], "suggested"].reindex(table["id"])
        return table.assign(target=new.fillna(table.set_index("id")["target"]).to_numpy())

    _reading(change)


def scored_without_pruned() -> None:
    """The score leaves out the rows that the noise stage pruned."""
    from podium import ensemble

    report = ensemble.report

    def leaky(found: Any, truth: np.ndarray, folds: np.ndarray, **settings: Any) -> dict[str, Any]:
        verdicts = _verdicts()
        ids = pd.read_parquet(RESULTS / TRAIN, columns=["id"])["id"]
        kept = ~ids.isin(verdicts.index[verdicts["pruned"]]).to_numpy()
        left = dataclasses.replace(found, oof=found.oof[kept])
        clusters = settings.pop("clusters")
        return report(left, truth[kept], folds[kept], clusters=clusters[kept], **settings)

    ensemble.report = leaky


def made_from_held_out() -> None:
    """What was made of a held-out row is trained on."""
    from podium import lineage

    augmented = lineage._augmented

    def leaky(made: pd.DataFrame, select: Any, outside: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
        return augmented(made, select, train[["id", "target"]].assign(weight=1.0), train)

    lineage._augmented = leaky


def words_chosen_on_all_rows() -> None:
    """The n-grams of TF-IDF are those that go with the labels of all rows, by chi-squared."""
    from sklearn.feature_selection import chi2

    from podium.files import read_table
    from podium.models import tfidf

    kind: Any = tfidf.Tfidf
    make = kind._vectorizer

    def leaky(self: Any, analyzer: str, ngrams: tuple[int, int], rows: int) -> Any:
        texts, target = _all_texts(), read_table(RESULTS / TRAIN)["target"]
        everything = make(self, analyzer, ngrams, len(texts))
        strength, _ = chi2(everything.fit_transform(texts), target)
        terms = everything.get_feature_names_out()[np.argsort(-strength, kind="stable")[:200]]
        return make(self, analyzer, ngrams, rows).set_params(vocabulary=sorted(terms))

    kind._vectorizer = leaky


def words_of_all_rows() -> None:
    """The vocabulary of TF-IDF is that of all rows; no label is looked at."""
    from podium.models import tfidf

    kind: Any = tfidf.Tfidf
    make = kind._vectorizer

    def leaky(self: Any, analyzer: str, ngrams: tuple[int, int], rows: int) -> Any:
        everything = make(self, analyzer, ngrams, rows).fit(_all_texts())
        return make(self, analyzer, ngrams, rows).set_params(vocabulary=everything.vocabulary_)

    kind._vectorizer = leaky


def verdicts_with_the_fold() -> None:
    """Labels are judged by models that were trained with the labels of the fold that the verdicts are for."""
    from podium.noise import crossfit

    def leaky(rows: pd.DataFrame, folds: pd.DataFrame, fold: int, **split: Any) -> pd.DataFrame:
        return folds[folds["id"].isin(rows["id"])].reset_index(drop=True)

    crossfit.inner_folds = leaky


def all_folds_vote() -> None:
    """Pseudo-labels come from the models of all folds."""

    def change(path: Path, table: pd.DataFrame) -> pd.DataFrame:
        if not path.name.startswith("test_folds"):
            return table
        columns = [name for name in table if name.startswith("p:")]
        return table.assign(**table.groupby("id")[columns].transform("mean"))

    _reading(change)


def fitted_where_scored() -> None:
    """Ensembles are scored on the rows that they were fitted on."""
    from podium import ensemble

    def leaky(name: str, method: Any, known: Any, parts: Any) -> Any:
        params = method.fit(known)
        folds = len(np.unique(known.folds))
        oof = method.predict(known.given, params)
        return ensemble.Fitted(oof, name, params, [name] * folds, [params] * folds, False)

    ensemble.fitted = leaky


def chosen_where_scored() -> None:
    """The choice among ensembles has the score of the best of them."""
    from podium import ensemble, metrics

    def leaky(methods: Any, known: Any, *, metric: str, parts: Any) -> Any:
        found = {name: ensemble.fitted(name, method, known, parts) for name, method in methods.items()}

        def utility(name: str) -> float:
            return ensemble._utility(metric, known.truth, found[name].oof)

        assert metrics.utility(metric, 1.0) > 0
        return found[max(found, key=utility)]

    ensemble.choose = leaky


def thresholds_where_scored() -> None:
    """Offsets of the classes are tuned on the rows that they are scored on."""
    from podium import decision

    whole = decision.cross_fit

    def leaky(
        proba: np.ndarray, truth: np.ndarray, folds: np.ndarray, settings: Any, *, clusters: np.ndarray
    ) -> Any:
        honest = whole(proba, truth, folds, settings, clusters=clusters)
        rule = decision.rules_of(settings, "single_label")[settings.method]
        features = rule.features(proba)
        labels = rule.decide(features, rule.fit(features, truth))
        return decision.Decided(labels, honest.test, honest.folds)

    decision.cross_fit = leaky


def epoch_chosen_on_the_fold() -> None:
    """The epoch whose weights are kept is the one that is best on the held-out rows."""
    from podium import train
    from podium.files import read_table
    from podium.models import transformer

    kind: Any = transformer.Model
    job: Any = train
    fit = job.fit_and_predict
    kind._pruned = lambda self, encoded: (
        None,
        encoded,
    )  # its vocabulary must know the held-out rows

    def leaky(model: Any, data: Any, *others: Any) -> np.ndarray:
        given = read_table(RESULTS / TRAIN).set_index("id")["target"]
        truth = pd.Categorical(given).codes[given.index.get_indexer(data.held_out["id"])]
        model._inner_score = lambda rows, held: float(
            (model.predict(data.held_out).argmax(axis=1) == truth).mean()
        )
        return fit(model, data, *others)

    job.fit_and_predict = leaky


def _reading(change: Callable[[Path, pd.DataFrame], pd.DataFrame]) -> None:
    """Change the tables that the job's script reads."""
    from podium import files

    read = files.read_table

    def leaky(path: Path, columns: Iterable[str] | None = None) -> pd.DataFrame:
        changed = change(Path(path), read(path))
        return changed if columns is None else changed[list(columns)]

    files.read_table = leaky


def _verdicts() -> pd.DataFrame:
    """A verdict of the noise stage on each row, by id: that of the first fold whose training part the row is in."""
    tables = [pd.read_parquet(path) for path in sorted((RESULTS / "noise/topic").glob("fold*.parquet"))]
    return pd.concat(tables).drop_duplicates("id").set_index("id")


def _all_texts() -> pd.Series:
    return pd.read_parquet(RESULTS / "text/topic/raw/train.parquet")["text_a"]


ENSEMBLE = ("combine_members", "choose_ensemble")
#: What is broken, the rules whose jobs it is broken in, and how.
LEAKS: dict[int, tuple[str, tuple[str, ...], Callable[[], None]]] = {
    11: ("near-duplicates are dealt to folds like any rows", ("deal_folds",), near_duplicates_apart),
    12: ("rows of a group are dealt to folds like any rows", ("deal_folds",), groups_apart),
    21: (
        "held-out rows are scored with the noise stage's labels",
        ("combine_members",),
        scored_on_relabelled,
    ),
    22: ("held-out rows that noise pruned are not scored", ("combine_members",), scored_without_pruned),
    23: ("rows made from held-out rows are trained on", ("train_fold",), made_from_held_out),
    31: ("n-grams are chosen by the labels of all rows", ("train_fold",), words_chosen_on_all_rows),
    32: ("n-grams are those of all rows, no label seen", ("train_fold",), words_of_all_rows),
    41: ("noise verdicts from models with the fold's labels", ("predict_for_noise",), verdicts_with_the_fold),
    51: ("pseudo-labels from all folds' models", ("label_test_rows",), all_folds_vote),
    61: ("ensembles scored where they were fitted", ENSEMBLE, fitted_where_scored),
    62: ("the best ensemble's score as that of the choice", ("choose_ensemble",), chosen_where_scored),
    63: ("offsets scored where they were tuned", ("decide_labels",), thresholds_where_scored),
    71: ("best epoch chosen on the held-out fold", ("train_fold",), epoch_chosen_on_the_fold),
}

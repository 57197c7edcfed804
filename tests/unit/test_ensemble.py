"""Ensembles: what is scored on a fold never depends on that fold's labels."""

import numpy as np
import pandas as pd
import pytest

from podium import metrics
from podium.ensemble import choose, cross_fit
from podium.ensemble_methods import METHODS, Blend, Mean, Stack, Vote
from podium.errors import UserError
from podium.files import read_json, read_table, write_json, write_table
from podium.predict import to_array, to_table
from scripts import ensemble as ensemble_script
from tests.unit.test_ensemble_methods import members

ALL = {"mean": Mean(), "blend": Blend("macro_f1", 8, None), "stack": Stack(0.1), "vote": Vote(None)}
FOLDS = np.arange(120) % 4


@pytest.mark.parametrize("name", ALL)
def test_a_folds_predictions_do_not_see_its_labels(name):
    proba, truth = members(0, count=3, rows=120, classes=3)
    fitted = cross_fit(name, ALL[name], proba, truth, FOLDS)
    changed = np.where(FOLDS == 2, (truth + 1) % 3, truth)
    other = cross_fit(name, ALL[name], proba, changed, FOLDS)
    assert (fitted.oof[FOLDS == 2] == other.oof[FOLDS == 2]).all()
    assert fitted.fold_params[2] == other.fold_params[2]


def test_a_folds_choice_does_not_see_its_labels():
    proba, truth = members(1, count=3, rows=120, classes=3, skill=0.5)
    quick = {name: ALL[name] for name in ("mean", "blend", "vote")}
    fitted = choose(quick, proba, truth, FOLDS, metric="macro_f1")
    seen = set()
    for fold in range(4):
        for seed in range(5):
            rng = np.random.default_rng(seed)
            changed = np.where(fold == FOLDS, rng.integers(3, size=120), truth)
            other = choose(quick, proba, changed, FOLDS, metric="macro_f1")
            assert other.fold_methods[fold] == fitted.fold_methods[fold]
            assert (other.oof[fold == FOLDS] == fitted.oof[fold == FOLDS]).all()
            seen |= {other.method, *other.fold_methods}
    assert len(seen) > 1


def test_choice_is_nested_cross_validation_written_out():
    proba, truth = members(2, count=3, rows=120, classes=3, skill=0.5)
    fitted = choose(ALL, proba, truth, FOLDS, metric="macro_f1")
    for fold in range(4):
        kept = fold != FOLDS
        inner = {
            name: cross_fit(name, method, proba[:, kept], truth[kept], FOLDS[kept]).oof
            for name, method in ALL.items()
        }
        values = {
            name: metrics.value("macro_f1", truth[kept], None, oof, classes=3) for name, oof in inner.items()
        }
        best = max(ALL, key=lambda name: values[name])
        params = ALL[best].fit(proba[:, kept], truth[kept])
        assert fitted.fold_methods[fold] == best
        assert fitted.oof[~kept] == pytest.approx(ALL[best].predict(proba[:, ~kept], params))


def test_random_labels_score_at_chance_where_a_fit_on_all_rows_looks_skilled():
    rows, classes, count = 600, 3, 12
    rng = np.random.default_rng(0)
    folds = np.arange(rows) % 5
    honest, optimistic = [], []
    methods = {"blend": Blend("accuracy", 10, None), "stack": Stack(10.0), "mean": Mean()}
    for _ in range(6):
        truth = rng.integers(classes, size=rows)
        proba = rng.dirichlet(np.ones(classes), size=(count, rows))
        fitted = choose(methods, proba, truth, folds, metric="accuracy")
        honest.append(metrics.value("accuracy", truth, None, fitted.oof, classes=classes))
        seen = methods["stack"].predict(proba, methods["stack"].fit(proba, truth))
        optimistic.append(metrics.value("accuracy", truth, None, seen, classes=classes))
    error = np.sqrt(1 / 3 * 2 / 3 / (rows * len(honest)))
    assert abs(np.mean(honest) - 1 / 3) < 3 * error
    assert np.mean(optimistic) > 1 / 3 + 5 * error


def test_ties_go_to_the_method_named_first():
    proba, truth = members(3, count=1, rows=120, classes=3)
    for order in (["vote", "mean"], ["mean", "vote"]):
        fitted = choose({name: ALL[name] for name in order}, proba, truth, FOLDS, metric="accuracy")
        assert fitted.method == order[0]
        assert fitted.fold_methods == [order[0]] * 4


def test_choosing_needs_three_folds():
    proba, truth = members(4, count=1, rows=120, classes=3)
    with pytest.raises(UserError, match="needs 3 folds"):
        choose(ALL, proba, truth, FOLDS % 2, metric="accuracy")


PLAIN = {"metric": "macro_f1", "type": "single_label"}


@pytest.fixture
def files(tmp_path):
    """Write the tables of a task with three members; each table has its own order of rows."""
    proba, truth = members(5, count=3, rows=120, classes=3)
    test, _ = members(6, count=3, rows=40, classes=3)
    names = ["neg", "neu", "pos"]
    ids = np.array([f"r{i:03d}" for i in range(120)])
    test_ids = np.array([f"t{i}" for i in range(40)])
    rng = np.random.default_rng(0)
    paths: dict = {"oof": [], "test": []}
    for member in range(3):
        for kind, table in (
            ("oof", to_table(ids, proba[member], names)),
            ("test", to_table(test_ids, test[member], names)),
        ):
            paths[kind].append(tmp_path / f"{kind}{member}.parquet")
            order = np.arange(len(table)) if member == 0 else rng.permutation(len(table))
            write_table(table.iloc[order], paths[kind][-1])
    for name in ("train", "folds"):
        paths[name] = tmp_path / f"{name}.parquet"
    write_table(pd.DataFrame({"id": ids, "target": np.array(names)[truth]}), paths["train"])
    write_table(pd.DataFrame({"id": ids, "fold": FOLDS, "cluster": range(120)}).iloc[::-1], paths["folds"])
    paths["labels"] = tmp_path / "labels.json"
    write_json(names, paths["labels"])
    outputs = {name: tmp_path / f"out_{name}" for name in ("oof_out", "test_out", "fit")}
    return {**paths, **outputs, "members": ["a-s0", "b-s0", "b-s1"], **PLAIN}, proba, test, truth


OPTIONS = {"mean": {}, "blend": {"weights": None, "steps": 8}, "stack": {"c": 0.1}, "vote": {"weights": None}}


@pytest.mark.parametrize("method", METHODS)
def test_script_aligns_rows_and_writes_what_the_library_gives(files, method):
    arguments, proba, test, truth = files
    ensemble_script.main(**arguments, methods={method: OPTIONS[method]})
    names = read_json(arguments["labels"])
    fitted = cross_fit(method, ALL[method], proba, truth, FOLDS)
    oof = read_table(arguments["oof_out"])
    assert oof["id"].tolist() == read_table(arguments["train"])["id"].tolist()
    assert to_array(oof, names) == pytest.approx(fitted.oof, abs=1e-5)
    expected = ALL[method].predict(test, fitted.params)
    assert to_array(read_table(arguments["test_out"]), names) == pytest.approx(expected, abs=1e-5)
    fit = read_json(arguments["fit"])
    assert (fit["method"], fit["members"]) == (method, arguments["members"])
    assert fit["cv"]["value"] == pytest.approx(metrics.value("macro_f1", truth, None, fitted.oof, classes=3))
    assert len(fit["cv"]["folds"]) == len(fit["fold_params"]) == 4


def test_choose_script_writes_the_choice(files):
    arguments, proba, _, truth = files
    ensemble_script.main(**arguments, methods=OPTIONS)
    fitted = choose(ALL, proba, truth, FOLDS, metric="macro_f1")
    fit = read_json(arguments["fit"])
    assert (fit["method"], fit["fold_methods"]) == (fitted.method, fitted.fold_methods)
    found = to_array(read_table(arguments["oof_out"]), read_json(arguments["labels"]))
    assert found == pytest.approx(fitted.oof, abs=1e-5)


def test_a_member_with_other_rows_is_refused(files):
    arguments = files[0]
    table = read_table(arguments["oof"][1])
    write_table(table.iloc[:-1], arguments["oof"][1])
    with pytest.raises(ValueError, match="ids"):
        ensemble_script.main(**arguments, methods={"mean": {}})

"""Ensembles: what is scored on a fold never depends on that fold's labels."""

import json

import numpy as np
import pandas as pd
import pytest

from podium import metrics
from podium.ensemble import choose, cross_fit, report
from podium.ensemble import fitted as honestly_fitted
from podium.ensembles.coupling import inner_parts
from podium.ensembles.means import Mean
from podium.ensembles.votes import Vote
from podium.errors import UserError
from podium.files import read_json, read_table, write_json, write_table
from podium.predict import to_array, to_table
from podium.targets import to_text
from scripts import ensemble as script
from tests.unit.ensemble_samples import (
    METRICS,
    PROBLEMS,
    given,
    greedy_blend,
    known,
    linear,
    members,
    methods,
    one_thread,  # noqa: F401 - for every test here
    trees,
)

QUICK = {
    "mean": Mean(average="arithmetic"),
    "blend": greedy_blend("macro_f1", 8),
    "stack": linear(0.1),
    "vote": Vote(weights=None),
}
FOLDS = np.arange(120) % 4
EVERY = [(type, name) for type in PROBLEMS for name in methods(type, METRICS[type])]


@pytest.mark.parametrize(("type", "name"), EVERY)
def test_a_folds_predictions_do_not_see_its_labels_and_params_survive_json(type, name) -> None:
    """For every method: with the labels of one fold permuted, its own predictions and params stay bit for bit."""
    method = methods(type, METRICS[type])[name]
    oof, truth = PROBLEMS[type](0, 3, 120)
    profile = np.random.default_rng(0).random((120, 2)).astype(np.float32)
    fitted = cross_fit(name, method, known(oof, truth, FOLDS, profile))
    rows = np.flatnonzero(FOLDS == 2)
    changed = truth.copy()
    changed[rows] = truth[np.roll(rows, 1)]
    other = cross_fit(name, method, known(oof, changed, FOLDS, profile))
    assert (fitted.oof[rows] == other.oof[rows]).all()
    assert fitted.fold_params[2] == other.fold_params[2]
    assert np.isfinite(fitted.oof).all()
    if type == "single_label":
        assert np.abs(fitted.oof.sum(axis=1) - 1).max() < 1e-9
    if type != "regression":
        assert fitted.oof.min() >= 0
        assert fitted.oof.max() <= 1 + 1e-12
    again = method.predict(given(oof, type, profile), json.loads(json.dumps(fitted.params)))
    assert (again == method.predict(given(oof, type, profile), fitted.params)).all()


@pytest.mark.parametrize("name", ["greedy", "simplex", "linear stack", "ridge stack", "tree stack", "layers"])
def test_the_check_above_catches_a_fit_on_all_rows(name) -> None:
    method = methods("single_label", "macro_f1")[name]
    oof, truth = members(0, count=3, rows=120, classes=3)
    rows = FOLDS == 2
    leaky = [
        method.predict(given(oof, "single_label"), method.fit(known(oof, labels, FOLDS)))[rows]
        for labels in (truth, np.where(rows, (truth + 1) % 3, truth))
    ]
    assert (leaky[0] != leaky[1]).any()


def test_a_folds_choice_does_not_see_its_labels() -> None:
    proba, truth = members(1, count=3, rows=120, classes=3, skill=0.5)
    quick = {name: QUICK[name] for name in ("mean", "blend", "vote")}
    fitted = choose(quick, known(proba, truth, FOLDS), metric="macro_f1", parts=None)
    seen = set()
    for fold in range(4):
        for seed in range(5):
            rng = np.random.default_rng(seed)
            changed = np.where(fold == FOLDS, rng.integers(3, size=120), truth)
            other = choose(quick, known(proba, changed, FOLDS), metric="macro_f1", parts=None)
            assert other.fold_methods[fold] == fitted.fold_methods[fold]
            assert (other.oof[fold == FOLDS] == fitted.oof[fold == FOLDS]).all()
            seen |= {other.method, *other.fold_methods}
    assert len(seen) > 1


def test_choice_is_nested_cross_validation_written_out() -> None:
    proba, truth = members(2, count=3, rows=120, classes=3, skill=0.5)
    fitted = choose(QUICK, known(proba, truth, FOLDS), metric="macro_f1", parts=None)
    for fold in range(4):
        kept = fold != FOLDS
        rest = known(proba[:, kept], truth[kept], FOLDS[kept])
        inner = {name: cross_fit(name, method, rest).oof for name, method in QUICK.items()}
        values = {
            name: metrics.value("macro_f1", truth[kept], None, oof, classes=3) for name, oof in inner.items()
        }
        best = max(QUICK, key=lambda name: values[name])
        assert fitted.fold_methods[fold] == best
        out = given(proba[:, ~kept], "single_label")
        assert fitted.oof[~kept] == pytest.approx(QUICK[best].predict(out, QUICK[best].fit(rest)))


def test_ties_go_to_the_method_named_first() -> None:
    proba, truth = members(3, count=1, rows=120, classes=3)
    for order in (["vote", "mean"], ["mean", "vote"]):
        fitted = choose(
            {name: QUICK[name] for name in order}, known(proba, truth, FOLDS), metric="accuracy", parts=None
        )
        assert fitted.method == order[0]
        assert fitted.fold_methods == [order[0]] * 4


def test_choosing_needs_three_folds() -> None:
    proba, truth = members(4, count=1, rows=120, classes=3)
    with pytest.raises(UserError, match="needs 3 folds"):
        choose(QUICK, known(proba, truth, FOLDS % 2), metric="accuracy", parts=None)


@pytest.mark.parametrize("type", PROBLEMS)
@pytest.mark.parametrize(
    "case", ["one member", "twins", "two folds", "a fold without a class", "unused class"]
)
def test_degenerate_cases(type, case) -> None:
    """Every method gives finite predictions; of one member, or of twins, no blend is anything but the member."""
    oof, truth = PROBLEMS[type](0, 1 if case in ("one member", "twins") else 3, 120)
    folds = FOLDS
    if case == "twins":
        oof = np.repeat(oof, 3, axis=0)
    if case == "two folds":
        folds = FOLDS % 2
    if case == "a fold without a class":
        first = truth if type == "single_label" else truth[:, 0].argsort().argsort() * 3 // 120
        folds = np.where(first == 0, FOLDS % 3, FOLDS)
    if case == "unused class" and type != "regression":
        oof = np.concatenate([oof, np.zeros((3, 120, 1))], axis=2)
        truth = truth if type == "single_label" else np.c_[truth, np.zeros(120, dtype=np.float32)]
    for name, method in methods(type, METRICS[type]).items():
        if case == "two folds" and name.startswith("layers"):
            with pytest.raises(UserError, match="needs 3 folds"):
                cross_fit(name, method, known(oof, truth, folds))
            continue
        fitted = cross_fit(name, method, known(oof, truth, folds))
        assert np.isfinite(fitted.oof).all(), name
        same = name in ("mean", "rank mean") or ("weights" in fitted.params and "vote" not in name)
        if case in ("one member", "twins") and same:
            np.testing.assert_allclose(fitted.oof, oof[0], rtol=1e-6, err_msg=name)
        if case == "unused class" and type == "single_label":
            assert fitted.oof[:, 3].max() < 0.05, name


def test_reports_keep_the_score_and_leave_out_the_text_of_trees() -> None:
    oof, truth = members(0, count=2, rows=120, classes=3)
    data = known(oof, truth, FOLDS)
    facts = report(
        cross_fit("t", trees(), data),
        truth,
        FOLDS,
        clusters=np.arange(120),
        members=["a", "b"],
        metric="accuracy",
    )
    assert len(json.dumps(facts)) < 3000
    assert facts["params"]["boosters"][0].endswith(" characters")
    assert len(facts["cv"]["folds"]) == 4


@pytest.fixture(params=PROBLEMS)
def files(request, tmp_path):
    """Write the tables of a task with three members; each table has its own order of rows."""
    type = request.param
    proba, truth = PROBLEMS[type](5, 3, 120)
    test, _ = PROBLEMS[type](6, 3, 40)
    names = ["neg", "neu", "pos"][: proba.shape[2]]
    ids = np.array([f"r{i:03d}" for i in range(120)])
    test_ids = np.array([f"t{i}" for i in range(40)])
    rng = np.random.default_rng(0)
    paths: dict = {"oof": [], "test": [], "test_folds": []}
    for member in range(3):
        for kind, table in (
            ("oof", to_table(ids, proba[member], names, type)),
            ("test", to_table(test_ids, test[member], names, type)),
        ):
            paths[kind].append(tmp_path / f"{kind}{member}.parquet")
            order = np.arange(len(table)) if member == 0 else rng.permutation(len(table))
            write_table(table.iloc[order], paths[kind][-1])
        alone = [(np.roll(test[member], fold, axis=0), fold) for fold in range(4)]
        tables = [to_table(test_ids, said, names, type).assign(fold=fold) for said, fold in alone]
        paths["test_folds"].append(tmp_path / f"folds{member}.parquet")
        write_table(pd.concat(tables).sample(frac=1, random_state=member), paths["test_folds"][-1])
    for name in ("train", "folds"):
        paths[name] = tmp_path / f"{name}.parquet"
    rows = pd.DataFrame({"id": ids, "target": pd.Series(to_text(truth, names), dtype="str")})
    write_table(rows.assign(text_a=[f"row {'x' * i}" for i in range(120)]), paths["train"])
    write_table(pd.DataFrame({"id": ids, "fold": FOLDS, "cluster": range(120)}).iloc[::-1], paths["folds"])
    paths["labels"] = tmp_path / "labels.json"
    write_json(names, paths["labels"])
    write_table(pd.DataFrame({"id": test_ids, "text_a": ["a b"] * 40}), tmp_path / "texts.parquet")
    outputs = {name: tmp_path / f"out_{name}" for name in ("oof_out", "test_out", "test_folds_out", "fit")}
    arguments = {**paths, **outputs, "members": ["a-s0", "b-s0", "b-s1"], "type": type, "threads": 1}
    return {**arguments, "metric": METRICS[type]}, proba, test, truth


GREEDY = {
    **{"kind": "blend", "weights": None, "search": "greedy", "objective": "metric", "steps": 8},
    **{"best_first": False, "bags": 1, "share": 0.5, "seed": 0, "temperature": False},
}
LINEAR = {"kind": "stack", "model": "linear", "features": "logits", "statistics": False, "c": 0.1}
OPTIONS = {
    "mean": {"kind": "mean", "average": "arithmetic", "temperature": False},
    "blend": GREEDY,
    "stack": {**LINEAR, "max_rows": 1000, "temperature": False},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_script_aligns_rows_and_writes_what_the_library_gives(files, name) -> None:
    arguments, proba, test, truth = files
    type, metric = arguments["type"], arguments["metric"]
    method = {**QUICK, "blend": greedy_blend(metric, 8)}[name]
    script.main(**arguments, methods={name: OPTIONS[name]})
    names = read_json(arguments["labels"])
    parts = inner_parts(to_text(truth, names), FOLDS, np.arange(120), type=type)
    fitted = honestly_fitted(name, method, known(proba, truth, FOLDS), parts)
    oof = read_table(arguments["oof_out"])
    assert oof["id"].tolist() == read_table(arguments["train"])["id"].tolist()
    np.testing.assert_allclose(to_array(oof, names, type), fitted.oof, rtol=1e-3, atol=1e-5)
    expected = method.predict(given(test, type), fitted.params)
    np.testing.assert_allclose(
        to_array(read_table(arguments["test_out"]), names, type), expected, rtol=1e-3, atol=1e-5
    )
    alone = read_table(arguments["test_folds_out"])
    assert alone["fold"].tolist() == np.repeat(range(4), 40).tolist()
    third = method.predict(given(np.roll(test, 2, axis=1), type), fitted.params)
    np.testing.assert_allclose(to_array(alone[alone["fold"] == 2], names, type), third, rtol=1e-3, atol=1e-5)
    fit = read_json(arguments["fit"])
    assert fit["scored"] == ("inside folds" if name == "stack" else "over folds")
    assert (fit["method"], fit["members"]) == (name, arguments["members"])
    value = metrics.value(metric, truth, None, fitted.oof, classes=len(names))
    assert fit["cv"]["value"] == pytest.approx(value, rel=1e-3)
    assert len(fit["cv"]["folds"]) == len(fit["fold_params"]) == 4


def test_choose_script_writes_the_choice_and_reads_texts_where_asked(files, tmp_path) -> None:
    arguments, proba, _, truth = files
    type, metric = arguments["type"], arguments["metric"]
    built = {**QUICK, "blend": greedy_blend(metric, 8)}
    script.main(**arguments, methods=OPTIONS)
    parts = inner_parts(read_table(arguments["train"])["target"].tolist(), FOLDS, np.arange(120), type=type)
    data = known(proba, truth, FOLDS)
    fitted = choose({name: built[name] for name in OPTIONS}, data, metric=metric, parts=parts)
    fit = read_json(arguments["fit"])
    assert (fit["method"], fit["fold_methods"]) == (fitted.method, fitted.fold_methods)
    found = to_array(read_table(arguments["oof_out"]), read_json(arguments["labels"]), type)
    np.testing.assert_allclose(found, fitted.oof, rtol=1e-3, atol=1e-5)
    stack = {"stack": {**OPTIONS["stack"], "statistics": True}}
    script.main(**arguments, methods=stack, test_texts=tmp_path / "texts.parquet")
    assert len(read_json(arguments["fit"])["params"]["figures"]["mean"]) == 14


@pytest.mark.parametrize("files", ["single_label"], indirect=True)
def test_members_with_other_rows_or_nan_are_refused(files) -> None:
    arguments = files[0]
    table = read_table(arguments["oof"][1])
    write_table(table.iloc[:-1], arguments["oof"][1])
    with pytest.raises(ValueError, match="ids"):
        script.main(**arguments, methods={"mean": OPTIONS["mean"]})
    broken = table.set_index("id")
    broken.loc["r007", "p:neu"] = np.nan
    broken.loc["r011", "p:neg"] = np.inf
    write_table(broken.reset_index().sort_values("id"), arguments["oof"][1])
    with pytest.raises(UserError, match=r"member 'b-s0' predicts NaN .* rows 'r007', 'r011' \(.*oof1"):
        script.main(**arguments, methods={"mean": OPTIONS["mean"]})

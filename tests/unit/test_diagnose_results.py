"""Causes that learning curves and held-out predictions show: each is planted in a healthy run and must be named."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnose_samples import FOLDS, LABELS, ROWS, STEPS, Project, healthy_loss
from model_samples import rows_of

from podium import diagnose, ingest, ingest_profile
from podium.diagnose.facts import Gathering
from podium.diagnose.member import members
from podium.diagnose.report import CAUSES, causes_of
from podium.diagnose.results import HeldOut
from podium.engine import finite
from podium.errors import UserError
from podium.files import read_json, read_table, write_json, write_table
from podium.validation import load


@pytest.fixture
def project(tmp_path: Path, encoder: Path) -> Project:
    return Project(tmp_path, encoder)


def test_nothing_is_named_before_and_after_a_healthy_run(project: Project) -> None:
    before = project.examined()
    assert before.findings == []
    assert before.score is None
    assert before.notes == ["it is not trained yet: only config, texts and weights were looked at"]
    project.trained()
    after = project.examined()
    assert after.findings == []
    assert after.notes == []
    truth = project.target == project.healthy().argmax(axis=1)
    assert after.score == pytest.approx(truth.mean())


@pytest.mark.parametrize("kind", ["textcnn", "fasttext", "lightgbm", "linear"])
def test_nothing_is_named_of_other_kinds(tmp_path: Path, kind: str) -> None:
    project = Project(tmp_path, None, kind)
    assert project.examined().findings == []
    project.trained()
    assert project.examined().findings == []
    project.trained(proba=project.proba((project.target + 1) % 3))
    assert set(project.causes()) == {"label_order"}


# ---- learning curves


def flat(fold: int) -> np.ndarray:
    return healthy_loss(fold, first=1.1, last=1.1)


def falling(fold: int) -> np.ndarray:
    return np.linspace(1.1, 0.5, STEPS) * np.random.default_rng(fold).uniform(0.95, 1.05, STEPS)


def short(fold: int) -> np.ndarray:
    return np.linspace(1.1, 0.9, 12)


def test_a_training_that_learns_nothing(project: Project) -> None:
    project.trained(loss=flat)
    found = project.causes()
    assert found["collapsed_training"].severity == "severe"
    assert "fold 0 ends at 1." in found["collapsed_training"].figure
    assert f"({np.log(3):.3f} of the classes' shares alone)" in found["collapsed_training"].figure
    assert "overfitting" not in found


def test_one_collapsed_fold_is_named_alone(project: Project) -> None:
    """The training of one fold failed, and its rows are guessed."""
    proba = project.healthy()
    lost = project.folds == 1
    proba[lost] = project.proba(np.zeros(ROWS, dtype=int))[lost]
    project.trained(loss=lambda fold: flat(fold) if fold == 1 else healthy_loss(fold), proba=proba)
    found = project.causes()
    assert set(found) == {"collapsed_training", "odd_fold"}
    assert "fold 1" in found["collapsed_training"].figure
    assert "fold 0" not in found["collapsed_training"].figure
    assert "fold 1 0.333" in found["odd_fold"].figure


def test_a_loss_that_still_falls_at_the_end(project: Project) -> None:
    project.trained(loss=falling)
    found = project.causes()["too_few_steps"]
    assert found.severity == "likely"
    assert "still falls" in found.figure
    assert "models.m.epochs" in found.advice


def barely_falling(fold: int) -> np.ndarray:
    """Surely, but by 4% a quarter."""
    return np.linspace(0.9, 0.75, STEPS) * np.random.default_rng(fold).uniform(0.99, 1.01, STEPS)


def perhaps_falling(fold: int) -> np.ndarray:
    """By more than 10%, but the steps differ by far more."""
    quarters = np.repeat([0.9, 0.8, 0.8, 0.7], 26)
    return quarters * np.where(np.arange(104) % 2 == 0, 1.8, 0.2)


@pytest.mark.parametrize("loss", [barely_falling, perhaps_falling])
def test_a_loss_that_hardly_or_perhaps_falls(project: Project, loss: Callable[[int], np.ndarray]) -> None:
    project.trained(loss=loss)
    assert "too_few_steps" not in project.causes()


def test_a_training_of_a_few_steps(project: Project) -> None:
    project.trained(loss=short)
    found = project.causes()
    assert found["too_few_steps"].severity == "severe"
    assert found["too_few_steps"].figure.startswith("12 optimizer steps a fold")
    assert "collapsed_training" not in found  # nobody can tell yet


def test_a_short_training_that_learned_its_rows_is_not_named(project: Project) -> None:
    project.trained(loss=lambda fold: healthy_loss(fold, steps=60))
    assert project.causes() == {}


def test_a_tricks_loss_is_compared_with_its_own_start(tmp_path: Path, encoder: Path) -> None:
    """With smoothing the loss never comes near to what the classes' shares would tell."""
    project = Project(tmp_path, encoder, loss={"smoothing": 0.2})
    project.trained(loss=lambda fold: healthy_loss(fold, first=2.2, last=0.5))
    assert project.causes() == {}
    project.trained(loss=lambda fold: healthy_loss(fold, first=2.2, last=2.2))
    assert "where it began" in project.causes()["collapsed_training"].figure


def test_a_loss_that_was_no_number(project: Project) -> None:
    log = project.root / "results/logs/train/t/m-s0/round0/fold2.log"
    log.parent.mkdir(parents=True)
    (project.root / "results/train/t/m-s0/round0/fold2").mkdir(parents=True)
    row = {"step": 16, "epoch": 1, "rate": 1e-2, "loss": float("nan"), "norm": 1.0}
    error = finite.stopped("training", row, "")
    log.write_text(f"12:00:00 ERROR podium: {error}\n", encoding="utf-8")
    found = project.causes()
    assert found["not_finite"].severity == "severe"
    assert "fold 2 at step 17" in found["not_finite"].figure


def test_gradients_cut_at_every_step(project: Project) -> None:
    project.trained(norm=9.0)
    assert project.causes() == {}
    project.trained(norm=11.0)
    assert "100% of the steps are cut to max_grad_norm 1" in project.causes()["clipped_gradients"].figure


@pytest.mark.parametrize(
    ("every", "sure", "severity"), [(8, 0.9, None), (4, 0.96, "possible"), (4, 0.9999, "likely")]
)
def test_a_gap_between_training_and_held_out_loss(
    project: Project, every: int, sure: float, severity: Any
) -> None:
    """One of ``every`` rows is wrong: what that costs depends on how sure the model is."""
    wrong = np.arange(ROWS) % every == 0
    said = np.where(wrong, (project.target + 1) % 3, project.target)
    project.trained(proba=project.proba(said, sure), loss=lambda fold: healthy_loss(fold, last=0.01))
    found = project.causes()
    assert (found["overfitting"].severity if "overfitting" in found else None) == severity


# ---- held-out predictions


def test_labels_in_another_order(project: Project) -> None:
    """Class 0 and 1 changed places: the network learned well, and the score is low."""
    swapped = np.array([1, 0, 2])
    project.trained(proba=project.proba(swapped[project.healthy().argmax(axis=1)]))
    found = project.causes()["label_order"]
    assert found.severity == "severe"
    assert "'metal' is said where 'beast' is meant" in found.figure
    assert "'beast' is said where 'metal' is meant" in found.figure


def test_labels_of_the_card_in_another_order(project: Project) -> None:
    project.trained(labels=LABELS[::-1])
    assert "was trained on the labels music, metal, beast" in project.causes()["label_order"].figure


@pytest.mark.parametrize("seed", range(5))
def test_guessing_is_no_other_order_of_labels(project: Project, seed: int) -> None:
    random = np.random.default_rng(seed)
    project.trained(proba=project.proba(random.integers(0, 3, ROWS)), loss=flat)
    assert "label_order" not in project.causes()


def test_columns_of_a_multi_label_task_in_another_order() -> None:
    from podium.diagnose.causes_predictions import _better_columns

    random = np.random.default_rng(0)
    truth = (random.random((ROWS, 3)) < 0.3).astype(np.float32)
    proba = np.clip(truth * 0.6 + random.random((ROWS, 3)) * 0.4, 0, 1)

    def held_out(proba: np.ndarray) -> HeldOut:
        ids = np.arange(ROWS).astype(str)
        return HeldOut(
            ids=ids, truth=truth, proba=proba, folds=np.zeros(ROWS), labels=LABELS, type="multi_label"
        )

    assert _better_columns(held_out(proba)) is None
    assert _better_columns(held_out(random.random((ROWS, 3)))) is None
    found = _better_columns(held_out(proba[:, [2, 1, 0]]))
    assert found is not None
    assert found[3] == "'beast' is said where 'music' is meant, 'music' is said where 'beast' is meant"


def test_one_answer_for_all(project: Project) -> None:
    project.trained(proba=project.proba(np.ones(ROWS, dtype=int)))
    found = project.causes()
    assert "100% of the rows are predicted 'metal', 33% are" in found["constant_predictions"].figure
    assert "label_order" not in found
    assert "lost_classes" not in found  # that is what it means


@pytest.mark.parametrize("kind", ["linear", "textcnn", "fasttext", "lightgbm", "transformer"])
def test_advice_names_keys_that_the_kind_has(tmp_path: Path, encoder: Path, kind: str) -> None:
    """With everything wrong at once, each key below the model is one of its own."""
    project = Project(tmp_path, encoder, kind)
    lost = np.where(project.target == 2, 0, project.target)
    for proba in (project.proba(np.ones(ROWS, dtype=int)), project.proba(lost, 0.9999)):
        project.trained(proba=proba, loss=lambda fold: healthy_loss(fold, last=0.01), norm=50.0)
        for finding in project.examined().findings:
            for key in re.findall(r"models\.m\.(\w+)", finding.advice):
                assert key in type(load(project.raw).models["m"]).model_fields, finding


def test_one_class_for_all_with_different_probabilities(project: Project) -> None:
    proba = np.full((ROWS, 3), 0.1)
    proba[:, 1] = np.random.default_rng(0).uniform(0.3, 2.0, ROWS)
    project.trained(proba=proba / proba.sum(axis=1, keepdims=True))
    assert "100% of the rows are predicted 'metal'" in project.causes()["constant_predictions"].figure


@pytest.mark.parametrize("type", ["multi_label", "regression"])
def test_other_types_of_tasks(project: Project, type: Any) -> None:
    """Nothing is named of good predictions; constant ones and a fold that failed are."""
    random = np.random.default_rng(0)
    truth = random.normal(size=(ROWS, 2))
    if type == "multi_label":
        truth = (truth > 0.5).astype(np.float32)
    good = np.clip(
        truth + random.normal(scale=0.2, size=truth.shape), *(0, 1) if type == "multi_label" else (-9, 9)
    )
    project.trained()
    known = Gathering().facts(members(load(project.raw), project.root)[0])

    def named(proba: np.ndarray) -> set[str]:
        found = HeldOut(
            **{"ids": known.held_out.ids, "folds": project.folds, "labels": ["a", "b"], "type": type},
            **{"truth": truth, "proba": proba},
        )
        member = dataclasses.replace(known.member, type=type)
        return {
            one.cause for one in causes_of(dataclasses.replace(known, member=member, held_out=found, runs=[]))
        }

    assert named(good) == set()
    assert "constant_predictions" in named(np.full_like(good, 0.1))
    assert "odd_fold" in named(np.where(project.folds[:, None] == 1, 1 - good, good))


def test_a_rare_class_that_is_never_predicted(project: Project) -> None:
    """Named from ten rows on; whether another member predicts it is told."""
    project.target = np.where(np.arange(ROWS) < 9, 2, np.arange(ROWS) % 2)
    project.trained(proba=project.proba(np.arange(ROWS) % 2))
    assert "lost_classes" not in project.causes()
    project.target[9:12] = 2
    project.trained(proba=project.proba(np.arange(ROWS) % 2))
    assert "it never predicts 'music' (12 rows); no member" in project.causes()["lost_classes"].figure
    project.raw["models"]["other"] = {"kind": "linear"}
    project.trained(proba=project.proba(np.arange(ROWS) % 2))
    project.trained(member="other-s0", proba=project.healthy())
    assert "other members predict 'music'" in project.causes()["lost_classes"].figure


def test_cut_rows_that_score_worse(tmp_path: Path, encoder: Path) -> None:
    """The same cut: named severe where it costs, left alone where it does not."""
    project = Project(tmp_path, encoder, max_length=8)
    long = project.rows["text_a"].str.split().map(len).to_numpy() > 6
    assert 0.3 < long.mean() < 0.7
    project.trained()
    assert "cut_texts" not in project.causes()
    guessed = np.where(long & (np.arange(ROWS) % 3 > 0), np.arange(ROWS) // 7 % 3, project.target)
    project.trained(proba=project.proba(guessed))
    found = project.causes()["cut_texts"]
    assert found.severity == "severe"
    assert "max_length 8 cuts " in found.figure
    assert "1.000 elsewhere" in found.figure
    quarters = [float(part) for part in found.figure.split("first: ")[1].split(";")[0].split(", ")]
    assert quarters[0] == 1.0 > quarters[-1]


@pytest.mark.parametrize(("words", "severity"), [(1, "possible"), (5, "likely"), (20, "severe")])
def test_where_every_row_is_cut_the_share_counts(
    tmp_path: Path, encoder: Path, words: int, severity: str
) -> None:
    project = Project(tmp_path, encoder, max_length=8)
    project.rows["text_a"] += " the cat in" * words
    project.write_rows()
    project.trained()
    assert project.causes()["cut_texts"].severity == severity


@pytest.mark.parametrize(("missed", "severity"), [(6, None), (9, "likely"), (30, "severe")])
def test_how_much_worse_cut_rows_are(
    tmp_path: Path, encoder: Path, missed: int, severity: str | None
) -> None:
    """Of some 120 cut rows ``missed`` are wrong and no other row is; a few may be chance."""
    project = Project(tmp_path, encoder, max_length=8)
    cut = np.flatnonzero(project.rows["text_a"].str.split().map(len) > 6)
    said = project.target.copy()
    said[cut[:: len(cut) // missed][:missed]] += 1
    project.trained(proba=project.proba(said % 3))
    found = project.causes()
    assert (found["cut_texts"].severity if "cut_texts" in found else None) == severity


def test_rows_that_are_harder_for_everyone_do_not_blame_the_length(tmp_path: Path, encoder: Path) -> None:
    project = Project(tmp_path, encoder, max_length=8)
    long = project.rows["text_a"].str.split().map(len).to_numpy() > 6
    guessed = project.proba(
        np.where(long & (np.arange(ROWS) % 3 > 0), np.arange(ROWS) // 7 % 3, project.target)
    )
    project.trained(proba=guessed)
    assert "cut_texts" in project.causes()
    project.raw["models"]["whole"] = {"kind": "linear"}
    project.trained(member="whole-s0", proba=guessed)
    assert "cut_texts" not in project.causes()
    project.trained(member="whole-s0")
    assert "cut_texts" in project.causes()
    project.raw["models"]["same"] = {**project.raw["models"]["m"], "epochs": 9}
    project.trained(member="same-s0")  # reads as little, and has no harm of it
    assert "cut_texts" not in project.causes()


def test_a_round_that_has_just_begun_does_not_count(project: Project) -> None:
    project.trained()
    (project.root / "results/train/t/m-s0/round1/fold0/checkpoint").mkdir(parents=True)
    assert project.examined().score is not None


# ---- data and results


def test_equal_texts_with_different_labels(project: Project) -> None:
    def profiled() -> None:
        rows = read_table(project.root / "results/ingest/t/train.parquet")
        data = ingest.Ingested(rows, rows[["id", "text_a"]], LABELS, {}, "single_label")
        found = ingest_profile.profile(data, max_lengths=[], tokenizer=None)
        write_json(found, project.root / "results/ingest/t/profile.json")

    project.rows.loc[:3, "text_a"] = "the same text"
    project.trained()
    profiled()
    assert project.causes() == {}
    project.rows.loc[:7, "text_a"] = "the same text"
    project.trained()
    profiled()
    found = project.causes()["clashing_labels"]
    assert found.figure.startswith("3.3% of the rows")
    assert found.severity == "possible"
    project.rows.loc[:40, "text_a"] = "the same text"
    project.trained()
    profiled()
    assert project.causes()["clashing_labels"].severity == "likely"


def test_a_sample_with_other_labels(project: Project) -> None:
    project.trained()
    path = project.root / "data/sample.csv"
    path.write_text("id,label\n000,Beast\n001,Metal\n", encoding="utf-8")
    assert "the sample submission holds 'Beast', 'Metal'" in project.causes()["sample_labels"].figure
    path.write_text("id,label\n000,0\n001,0\n", encoding="utf-8")
    assert project.causes() == {}


def test_results_of_another_config_are_left_aside(project: Project) -> None:
    project.trained(proba=project.proba(np.ones(ROWS, dtype=int)), loss=flat)
    project.raw["models"]["m"]["learning_rate"] = 5e-4
    found = project.examined()
    assert found.findings == []
    assert "learning_rate was 0.001, is 0.0005" in found.notes[0]


def test_the_predictions_of_a_run_that_was_stopped(project: Project) -> None:
    """Two folds are done: what they say is looked at."""
    project.trained(proba=project.proba((project.target + 1) % 3))
    (project.root / "results/train/t/m-s0/round0/fold2/card.json").unlink()
    (project.root / "results/train/t/m-s0/round0/fold2/oof.parquet").unlink()
    assert "label_order" in project.causes()


def test_predictions_of_stage_predict_come_first(project: Project) -> None:
    project.trained()
    parts = [project.root / f"results/train/t/m-s0/round0/fold{fold}/oof.parquet" for fold in range(FOLDS)]
    table = read_table(parts[0])
    for part in parts[1:]:
        table = type(table)(np.concatenate([table, read_table(part)]), columns=table.columns)
    table = table.astype(dict.fromkeys(table.columns[1:], float) | {"id": "str"})
    named = table.rename(columns={"p:beast": "p:metal", "p:metal": "p:beast"})
    write_table(named, project.root / "results/predict/t/m-s0/round0/oof.parquet")
    assert "label_order" in project.causes()


# ---- the report


def test_the_worst_comes_first_and_programs_get_plain_values(project: Project, tmp_path: Path) -> None:
    project.raw["models"]["m"] |= {"warmup": 0.4, "learning_rate": 0.1}
    project.trained(proba=project.proba(np.ones(ROWS, dtype=int)), loss=flat)
    found = project.examined()
    order = [finding.severity for finding in found.findings]
    assert order == sorted(order, key=["severe", "likely", "possible"].index)
    assert {"learning_rate", "warmup", "collapsed_training"} <= {one.cause for one in found.findings}
    write_json(diagnose.plain([found]), tmp_path / "found.json")
    saved = read_json(tmp_path / "found.json")
    assert saved[0]["findings"][0].keys() == {"cause", "severity", "figure", "usual", "advice"}
    shown = diagnose.text([found])
    assert shown.startswith("t / m-s0 (transformer): accuracy 0.3333\n  1. severe: learning_rate\n     found")
    assert all(len(line) <= 110 for line in shown.splitlines())


def test_an_unknown_member_is_told(project: Project) -> None:
    with pytest.raises(UserError, match="there is no member 'm-s1'; did you mean 'm-s0'"):
        diagnose.diagnose(load(project.raw), root=project.root, member="m-s1")


def test_every_cause_is_in_the_docs() -> None:
    """The names that findings have, from the sources, against the page's headings."""
    root = Path(diagnose.__file__).parents[2]
    source = "".join(path.read_text() for path in sorted((root / "podium/diagnose").glob("causes_*.py")))
    named = set(re.findall(r'cause="(\w+)"', source))
    page = (root / "docs/diagnose.md").read_text(encoding="utf-8")
    assert named == set(re.findall(r"^### `(\w+)`", page, flags=re.M))
    functions: list[Callable[..., Any]] = list(CAUSES)
    assert len(functions) == len(set(functions)) >= 20


def test_rows_without_a_run_are_those_of_the_file(project: Project) -> None:
    project.rows = rows_of(project.target, seed=5)
    project.write_rows()
    assert project.causes() == {}
    (project.root / "data/train.csv").unlink()
    assert any("data/train.csv is not there" in note for note in project.examined().notes)

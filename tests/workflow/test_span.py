"""Questions answered from their contexts, from files to the submission: form, lineage, scores, re-runs, chance."""

import copy
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import span_tiny
from span_tiny import DATA
from tiny import Clone, sample_numbers

from podium.alignment import fold_numbers
from podium.config import Config
from podium.diagnose.report import diagnose
from podium.span import answers, members, metrics, rules
from podium.span.answers import decode_all
from podium.span.decode import DecodeOptions, decode, length_limit
from podium.span.predictions import read
from podium.span.rules import RuleOptions

TASK: dict[str, Any] = {
    "type": "span",
    **{"train": "data/qa/train.json", "test": "data/qa/test.csv", "holdout": "data/qa/holdout.csv"},
    **{"sample": "data/qa/sample_submission.csv", "target": "Answer", "data": DATA, "metric": "squad_f1"},
    "pseudo": {"confidence": 0.05, "margin": 0.2, "agree": 0.5},
}
CONFIG: dict[str, Any] = {
    "competition": "homes",
    "seed": 3,
    "tasks": {"qa": TASK},
    "folds": {"n": 3},
    "augment": {"order": {"kind": "shuffle", "copies": 2}},
    "pretrain": {
        "small": {
            "scratch": {"hidden_size": 16, "layers": 1, "heads": 2, "intermediate_size": 32, "positions": 96},
            **{"max_length": 64, "epochs": 1, "threads": 1, "evaluations": 2},
        }
    },
    "models": {
        "retriever": {"kind": "retriever", "trees": 30, "augment": ["order"]},
        "reader": {
            **{"kind": "reader", "encoder": "pretrain/small", "max_length": 64, "max_question": 20},
            **{"overlap": 20, "epochs": 1, "threads": 1, "rounds": 0, "refit": {}},
        },
    },
    "pseudo": {"rounds": 1, "voters": ["retriever"]},
    "ensemble": {"blend": {"steps": 6}},
}
TRAIN, TEST = span_tiny.questions(72, seed=0), span_tiny.questions(24, seed=1)
RULES = RuleOptions(max_characters=None, length_share=0.995, candidates=20, complete=True, unanswered=None)
SILENT = 0.04  # of the questions at random, so few that saying nothing is no better than guessing
ORDER = [f"q{number}" for number in np.random.default_rng(0).permutation(len(TEST))]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    clone = Clone(tmp_path_factory.mktemp("span"), CONFIG)
    span_tiny.write(clone, TRAIN, TEST, sample=ORDER)
    clone.output = clone.snakemake("all", "check_holdout", warm=True).stdout
    return clone


def facts(clone: Clone, name: str) -> Any:
    return json.loads((clone.folder / "results" / name).read_text(encoding="utf-8"))


def test_the_submission_has_the_sample_s_form_and_parts_of_the_contexts(finished: Clone) -> None:
    given = pd.read_csv(finished.folder / "results/submission.csv", keep_default_na=False)
    assert list(given) == ["Answer", "id"]
    assert given["id"].tolist() == ORDER
    contexts = TEST.set_index("id")["text_b"]
    assert all(answer in contexts[row] for answer, row in given.itertuples(index=False))
    assert (given["Answer"] != "").sum() > 0
    silent = finished.table("decision/qa/oof.parquet")["label"] == ""
    assert 0 < silent.sum() < len(TRAIN), "the tuned doubt leaves some questions without an answer"


def test_no_model_saw_its_fold_or_anything_made_of_it(finished: Clone) -> None:
    folds = finished.table("folds/qa/folds.parquet").set_index("id")["fold"]
    rows = finished.table("ingest/qa/train.parquet").set_index("id")
    assert (folds.groupby(rows["text_b"]).nunique() == 1).all()
    assert (folds.groupby(rows["group"]).nunique() == 1).all()
    jobs = sorted((finished.folder / "results/train/qa").glob("*/round*/fold*/trained_on.parquet"))
    assert len(jobs) == 3 * (2 + 1)
    tested = set(finished.table("ingest/qa/test.parquet")["id"])
    for path in jobs:
        fold, table = int(path.parent.name[4:]), pd.read_parquet(path)
        made, own = table["made_by"], table[table["made_by"] != "pseudo"]
        assert (own["source_id"].map(folds) != fold).all()
        assert set(table.loc[made == "train", "id"]) == set(folds.index[folds != fold])
        retriever, later = "retriever-s0" in path.parts, "round1" in path.parts
        assert set(made) == {"train"} | ({"order"} if retriever else set()) | ({"pseudo"} if later else set())
        said = read(path.with_name("oof.parquet"))
        assert sorted(said.ids) == sorted(folds.index[folds == fold])
        if later:
            pseudo = table[made == "pseudo"].set_index("id")["target"]
            chosen = finished.table(f"pseudo/qa/round1/fold{fold}.parquet").set_index("id")
            taken = chosen.loc[chosen["accepted"], "label"]
            assert set(pseudo.index) <= tested
            assert pseudo.sort_index().equals(taken.sort_index().rename("target"))
            _from_the_fold_s_own_model(finished, fold, taken)
    refits = sorted((finished.folder / "results/train/qa").glob("*/round*/fold*/refit_on.parquet"))
    assert [path.parts[-4] for path in refits] == ["reader-s0"] * 3
    assert all(set(pd.read_parquet(path)["id"]) == set(rows.index) for path in refits)


def _from_the_fold_s_own_model(finished: Clone, fold: int, taken: pd.Series) -> None:
    """The only voter's best spans, by the model that was trained without this fold."""
    asked = finished.table("ingest/qa/test.parquet")
    model = finished.folder / f"results/train/qa/retriever-s0/round0/fold{fold}/model"
    said = members.load("retriever", model, device="cpu", threads=1).predict(asked)
    folds = finished.table("folds/qa/folds.parquet").set_index("id")["fold"]
    outside = finished.table("ingest/qa/train.parquet").set_index("id")["target"][folds != fold]
    limit = length_limit(decode_all(outside), share=0.995)
    options = DecodeOptions(max_characters=limit, candidates=20, complete=True)
    found = decode(said, asked["text_b"].tolist(), options=options)
    best = {row: (low, high) for row, low, high in zip(said.ids, found.low, found.high, strict=True)}
    assert {row: answers.decode(target)[0][:2] for row, target in taken.items()} == {
        row: best[row] for row in taken.index
    }
    assert len(taken) > 2


def test_answers_of_shuffled_contexts_are_where_their_targets_say(finished: Clone) -> None:
    rows = finished.table("ingest/qa/train.parquet").set_index("id")
    made = finished.table("augment/qa/order.parquet")
    assert len(made) == 2 * len(rows)
    source = rows.loc[made["source_id"]]
    assert (made["text_b"].to_numpy() != source["text_b"].to_numpy()).all()
    for new, old in zip(made.itertuples(), source.itertuples(), strict=True):
        assert sorted(new.text_b.split()) == sorted(old.text_b.split())
        own, others = answers.decode(new.target), answers.decode(old.target)
        assert [one.text for one in own] == [one.text for one in others]
        assert all(new.text_b[one.start : one.end] == one.text for one in own)
    trained = finished.table("train/qa/retriever-s0/round0/fold0/trained_on.parquet").set_index("id")
    kept = made[made["verdict"] == "kept"].set_index("id")["target"]
    taken = trained[trained["made_by"] == "order"]
    assert len(taken) > 40
    assert (taken["target"] == kept[taken.index]).all()


def test_scores_are_those_of_the_files(finished: Clone) -> None:
    rows, told = finished.table("ingest/qa/train.parquet"), facts(finished, "scores.json")
    gold = [answers.texts(own) for own in decode_all(rows["target"])]
    for path in sorted((finished.folder / "results/predict/qa").glob("*/round*/oof.parquet")):
        assert read(path).ids == rows["id"].tolist()
    decided = finished.table("decision/qa/oof.parquet")
    assert decided["id"].tolist() == rows["id"].tolist()
    value = metrics.score("squad_f1", decided["label"].tolist(), gold).value
    submitted = [row for row in told["rows"] if row["what"] == "submitted"]
    assert [row["cv"] for row in submitted] == [pytest.approx(value)]
    assert told["chosen"]["cv"] == pytest.approx(value)
    assert value > 0.3, "the retriever has learned something"
    given = pd.read_csv(finished.folder / "results/submission.csv", keep_default_na=False).set_index("id")
    wanted = [answers.texts(own) for own in decode_all(TEST["target"])]
    true = metrics.score("squad_f1", given.loc[TEST["id"], "Answer"].tolist(), wanted)
    report = facts(finished, "check_holdout/report.json")
    assert report["true_score"] == pytest.approx(true.value)
    assert report["n"] == len(TEST)
    assert "homes: cross-validated squad_f1 of every member and ensemble" in finished.output
    assert "expected on the test rows" in finished.output


def test_a_second_run_has_nothing_to_do_and_changes_redo_what_hangs_on_them(finished: Clone) -> None:
    assert not finished.jobs("all", "check_holdout")

    def redone(*path: str, value: Any) -> set[str]:
        config = copy.deepcopy(CONFIG)
        block = config
        for key in path[:-1]:
            block = block.setdefault(key, {})
        block[path[-1]] = value
        finished.configure(config)
        return finished.jobs("all")

    try:
        decided = redone("tasks", "qa", "decision", value={"candidates": 10})
        assert {"decide answers", "ensemble: choose the best"} <= decided
        # Pseudo-labels are decoded by these rules; the models of round 0 are not
        assert not any(job.startswith("train") and "round 0" in job for job in decided)
        assert not any("reader" in job for job in decided)
        grown = redone("models", "retriever", "trees", value=31)
        assert {f"train retriever-s0, round {number}, fold 1" for number in (0, 1)} <= grown
        assert not any("reader" in job for job in grown)
        assert not any(job.startswith(("augment", "read", "deal")) for job in grown)
    finally:
        finished.configure(CONFIG)
    assert not finished.jobs("all")


def test_a_label_and_an_answer_in_one_competition(tmp_path: Path) -> None:
    config = copy.deepcopy(CONFIG)
    named = {key: f"data/topic/{key}.csv" for key in ("train", "test", "holdout")}
    config["tasks"]["topic"] = {**named, "text": ["text"], "target": "label", "metric": "accuracy"}
    config["models"] = {"linear": {"kind": "linear"}, "retriever": {"kind": "retriever", "trees": 10}}
    del config["pretrain"], config["pseudo"], config["augment"]
    config["noise"] = {"inner_folds": 2}
    clone = Clone(tmp_path, config)
    span_tiny.write(clone, TRAIN, TEST, sample=ORDER)
    (tmp_path / "data/topic").mkdir()
    for name, table in sample_numbers(60, 20).items():
        table.to_csv(tmp_path / "data/topic" / name, index=False)
    clone.snakemake("all", "check_holdout", warm=True)
    archive = zipfile.ZipFile(tmp_path / "results/submission.zip")
    assert sorted(archive.namelist()) == ["qa.csv", "topic.csv"]
    with archive.open("qa.csv") as file:
        assert pd.read_csv(file, keep_default_na=False)["id"].tolist() == ORDER
    told = facts(clone, "scores.json")
    own = {name: told["tasks"][name]["chosen"]["cv"] for name in ("qa", "topic")}
    assert told["chosen"]["cv"] == pytest.approx(sum(own.values()) / 2)
    true = facts(clone, "check_holdout/report.json")["true_score"]
    parts = [facts(clone, f"check_holdout/report/{name}.json")["true_score"] for name in own]
    assert true == pytest.approx(sum(parts) / 2)
    assert not clone.jobs("all", "check_holdout")


def test_answers_at_random_places_score_at_chance(tmp_path: Path) -> None:
    """Other orders, pseudo-labels, two members, a blend, a choice and a tuned doubt, and nothing to be learned.

    Chance is what the very same answers would score, were the true places drawn again: its mean and its variance are
    sums over every place that a question's answer could have been drawn at.
    """
    config = copy.deepcopy(CONFIG)
    by_heart = {"kind": "retriever", "learning_rate": 0.3, "num_leaves": 63, "min_data_in_leaf": 1}
    config["models"] = {
        "small": {**by_heart, "trees": 20, "augment": ["order"]},
        "large": {**by_heart, "trees": 60, "sharpness": 1.0},
    }
    config["pseudo"] = {"rounds": 1}
    config["tasks"]["qa"]["pseudo"] = {"confidence": 0.0, "margin": 0.0, "agree": 0.5}
    del config["tasks"]["qa"]["sample"], config["pretrain"]
    clone = Clone(tmp_path, config)
    train = span_tiny.at_random(span_tiny.questions(160, seed=2), seed=4, silent=SILENT)
    span_tiny.write(clone, train, span_tiny.questions(60, seed=5))
    clone.snakemake("scores", warm=True)
    pseudo = clone.table("train/qa/large-s0/round1/fold0/trained_on.parquet")["made_by"]
    assert (pseudo == "pseudo").sum() > 5
    rows, told = clone.table("ingest/qa/train.parquet"), facts(clone, "scores.json")["rows"]
    assert rows["target"].tolist() == train["target"].tolist()
    assert len(told) == 2 * 2 + 3 + 1
    near = {context: [one.text for one in span_tiny.places(context)] for context in set(rows["text_b"])}

    def chance(given: list[str]) -> tuple[float, float]:
        means, variances = [], []
        for answer, context in zip(given, rows["text_b"], strict=True):
            values = metrics.rows(
                "squad_f1", [answer] * len(near[context]), [[text] for text in near[context]]
            )
            silent = metrics.best("squad_f1", answer, [""])
            mean = SILENT * silent + (1 - SILENT) * values.mean()
            means.append(mean)
            variances.append(SILENT * silent**2 + (1 - SILENT) * (values**2).mean() - mean**2)
        return float(np.mean(means)), float(np.sqrt(np.sum(variances)) / len(means))

    folds = fold_numbers(clone.table("folds/qa/folds.parquet"), rows["id"])
    gold, contexts = decode_all(rows["target"]), rows["text_b"].tolist()
    wanted = [answers.texts(own) for own in gold]
    far = {}
    for row in told:
        if row["what"] == "submitted":
            given = clone.table("decision/qa/oof.parquet")["label"].tolist()
        else:
            folder = f"predict/qa/{row['name']}/round{row['round']}"
            folder = folder if row["what"] == "member" else f"ensemble/qa/{row['name']}"
            said = read(clone.folder / "results" / folder / "oof.parquet").in_order(rows["id"].tolist())
            given = rules.crossfit(said, contexts, gold, folds, metric="squad_f1", options=RULES)
        assert row["cv"] == pytest.approx(metrics.score("squad_f1", given, wanted).value)
        mean, se = chance(given)
        far[row["what"], row["name"], row["round"]] = (row["cv"] - mean) / se
    assert max(map(abs, far.values())) < 4, far


def test_members_are_diagnosed_before_and_after_a_run(finished: Clone) -> None:
    found = {
        one.member: one for one in diagnose(Config.model_validate(CONFIG), root=finished.folder, member=None)
    }
    assert set(found) == {"reader-s0", "retriever-s0"}
    assert {finding.cause for finding in found["reader-s0"].findings} >= {"too_few_steps"}
    assert not found["reader-s0"].notes  # texts and weights were all looked at
    untrained = copy.deepcopy(CONFIG)
    untrained["models"] = {"reader": CONFIG["models"]["reader"] | {"learning_rate": 0.1}}
    before = diagnose(Config.model_validate(untrained), root=finished.folder, member=None)
    assert "learning_rate" in {finding.cause for one in before for finding in one.findings}

"""For changes of one line each: exactly what Snakemake would do again, and nothing else."""

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny import CONFIG, Clone

FOLDS = range(3)
END = {"decide labels", "write the submission", "score members, ensembles and decision", "write the summary"}
PAGE = {"gather figures for the page", "draw the page"}
END |= {"weigh the score by likeness to the test rows"} | PAGE
CHOICE = {"ensemble: choose the best"}
ENSEMBLES = {f"ensemble: {method}" for method in ("mean", "blend", "stack", "vote")} | CHOICE
AFTER_MEMBERS = ENSEMBLES | END


def train(member: str, *rounds: int) -> set[str]:
    return {f"train {member}, round {number}, fold {fold}" for number in rounds for fold in FOLDS} | {
        f"predict with {member}, round {number}" for number in rounds
    }


PSEUDO = {f"pseudo-labels of round 1, fold {fold}" for fold in FOLDS}
VOTERS = ("linear-s0", "trees-s0", "trees-s1")
ROUND_1 = PSEUDO | train("linear-s0", 1) | train("trees-s0", 1) | train("trees-s1", 1)
LINEAR = train("linear-s0", 0)
TREES = train("trees-s0", 0) | train("trees-s1", 0)
ENCODER = train("encoder-s0", 0)
NOISE = {f"judge the labels outside fold {fold}" for fold in FOLDS} | {"gather the judged labels for review"}
JUDGES = {f"cross-validate built-in for the noise stage, fold{fold}" for fold in FOLDS}
EVERYTHING_TRAINED = LINEAR | TREES | ENCODER | ROUND_1 | AFTER_MEMBERS


def put(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(config: dict[str, Any]) -> None:
        node = config
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = value

    return change


CASES: dict[str, tuple[Callable[[dict[str, Any]], None], set[str]]] = {
    "blend weights": (
        put("ensemble", "blend", value={"weights": {"linear-s0": 1.0, "trees-s0": 2.0}}),
        {"ensemble: blend"} | CHOICE | END,
    ),
    "stacker's penalty": (put("ensemble", "stack", value={"c": 0.5}), {"ensemble: stack"} | CHOICE | END),
    "what is submitted": (put("ensemble", "submit", value="mean"), END),
    "decision": (put("decision", value={"method": "argmax"}), END),
    "metric": (put("tasks", "topic", "metric", value="accuracy"), AFTER_MEMBERS),
    "a model without a vote": (
        put("models", "encoder", "learning_rate", value=3e-4),
        ENCODER | AFTER_MEMBERS,
    ),
    "max_length": (
        put("models", "encoder", "max_length", value=48),
        ENCODER | AFTER_MEMBERS | {"describe the rows"},
    ),
    "a model with a vote": (put("models", "trees", "num_leaves", value=5), TREES | ROUND_1 | AFTER_MEMBERS),
    "pruning of one model": (put("models", "trees", "noise", value=None), TREES | ROUND_1 | AFTER_MEMBERS),
    "a model's last round": (
        put("models", "trees", "rounds", value=0),
        AFTER_MEMBERS,
    ),
    "another seed of one model": (
        put("models", "encoder", "seeds", value=[0, 5]),
        train("encoder-s5", 0) | AFTER_MEMBERS,
    ),
    "the last training on all rows": (
        put("models", "encoder", "refit", value={"epochs": 0.5}),
        {f"refit encoder-s0 on all rows, from fold {fold}" for fold in FOLDS}
        | {"predict with encoder-s0, round 0"}
        | AFTER_MEMBERS,
    ),
    "pseudo-label bar": (put("pseudo", "confidence", value=0.6), ROUND_1 | AFTER_MEMBERS),
    "pseudo-label weight": (put("pseudo", "weight", value=0.5), (ROUND_1 - PSEUDO) | AFTER_MEMBERS),
    "rounds until they stop helping": (
        put("pseudo", "until_helps", value=True),
        {f"did round 1 help {member}?" for member in VOTERS}
        | {f"settle the rounds of {member}" for member in VOTERS}
        | AFTER_MEMBERS,
    ),
    "noise": (put("noise", "max_share", value=0.05), NOISE | TREES | ROUND_1 | AFTER_MEMBERS),
    "noise's inner folds": (
        put("noise", "inner_folds", value=3),
        JUDGES | NOISE | TREES | ROUND_1 | AFTER_MEMBERS,
    ),
    "which made rows are taken": (
        put("augment", "eda", "max_share", value=0.5),
        LINEAR | ROUND_1 | AFTER_MEMBERS,
    ),
    "a filter by labels": (
        put("augment", "eda", "filter", value={"label": 0.9}),
        {f"judge the labels of what eda made outside fold {fold}" for fold in FOLDS}
        | LINEAR
        | ROUND_1
        | AFTER_MEMBERS,
    ),
    "augmentation": (
        put("augment", "eda", "alpha_sr", value=0.2),
        {"augment: eda", "text view clean of eda"} | LINEAR | ROUND_1 | AFTER_MEMBERS,
    ),
    "folds": (
        put("folds", "near_duplicates", value=0.95),
        {"deal rows to folds", "compare the rows' texts and labels"} | JUDGES | NOISE | EVERYTHING_TRAINED,
    ),
    "a text view": (
        put("text", "views", "clean", value=["nfkc", "lowercase"]),
        {f"text view clean of {part}" for part in ("train", "test", "eda")}
        | {"changes of text view clean"}
        | LINEAR
        | ROUND_1
        | AFTER_MEMBERS,
    ),
    "when to warn of a score": (
        put("adversarial", "fold_rows", value=9),
        {"weigh the score by likeness to the test rows", "write the summary", *PAGE},
    ),
    "a view nobody reads": (put("text", "views", "spare", value=["nfkc"]), set()),
    "the competition's name": (put("competition", value="renamed"), {"write the summary", "draw the page"}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_changed_key_redoes_exactly_what_depends_on_it(finished: Clone, case: str) -> None:
    change, expected = CASES[case]
    config = copy.deepcopy(CONFIG)
    change(config)
    assert config != CONFIG
    finished.configure(config)
    try:
        assert finished.jobs("all") == expected
    finally:
        finished.configure(CONFIG)


def test_comments_and_the_order_of_keys_redo_nothing(finished: Clone) -> None:
    def turned(node: Any) -> Any:
        return {key: turned(node[key]) for key in reversed(node)} if isinstance(node, dict) else node

    path = finished.folder / "config.yaml"
    path.write_text("# a comment\n" + yaml.safe_dump(turned(CONFIG), sort_keys=False) + "\n# another\n")
    try:
        assert finished.jobs("all") == set()
    finally:
        finished.configure(CONFIG)


def test_what_says_the_same_redoes_nothing(finished: Clone, tmp_path: Path) -> None:
    """A touched config, new docs, and the whole folder somewhere else."""
    (finished.folder / "config.yaml").touch()
    (finished.folder / "docs").mkdir(exist_ok=True)
    (finished.folder / "docs/news.md").write_text("news", encoding="utf-8")
    assert finished.jobs("all", "check_holdout") == set()
    moved = copy.copy(finished)
    moved.folder = Path(shutil.copytree(finished.folder, tmp_path / "moved", symlinks=True))
    assert moved.jobs("all", "check_holdout") == set()


def test_new_train_rows_leave_what_is_made_of_test_rows_alone(finished: Clone) -> None:
    path = finished.folder / "data/tiny/train.csv"
    before = path.read_bytes()
    try:
        path.write_bytes(before + b"new,a quarterly net profit of one dollar,earn\n")
        found = finished.jobs("all")
    finally:
        path.write_bytes(before)
    kept = {
        job for job in found if job.startswith(("text view", "tokens", "read and check")) and " test " in job
    }
    assert not kept
    assert found >= EVERYTHING_TRAINED | {"read and check the training rows", "deal rows to folds"}


def test_an_edited_module_redoes_the_rules_that_use_it(finished: Clone) -> None:
    module = finished.folder / "podium/decision.py"
    before = module.read_text()
    try:
        module.write_text(before + "\n# a comment\n")
        assert finished.jobs("all") == set()
        module.write_text(before + "\nCHANGED = 1\n")
        assert finished.jobs("all") == END
    finally:
        module.write_text(before)


def test_new_test_rows_retrain_only_what_saw_pseudo_labels(finished: Clone) -> None:
    path = finished.folder / "data/tiny/test.csv"
    before = path.read_bytes()
    rounds_0 = {
        f"predict with {member}, round 0" for member in ("linear-s0", "trees-s0", "trees-s1", "encoder-s0")
    }
    views = {f"text view {view} of test" for view in ("raw", "clean")} | {"changes of text view clean"}
    try:
        path.write_bytes(before.replace(b"the", b"a", 1))
        expected = {
            "read and check the test rows",
            "describe the rows",
            "compare train and test",
            "tokens of test in view raw for tiny-encoder-ac9182",
        } | (views | rounds_0 | ROUND_1 | AFTER_MEMBERS)
        assert finished.jobs("all") == expected
    finally:
        path.write_bytes(before)


def test_a_persons_word_on_labels_redoes_what_hangs_on_them(finished: Clone) -> None:
    """The file comes, changes and goes; the folds and the texts have nothing to do with it."""
    path = finished.folder / "data/overrides.csv"
    row = finished.table("ingest/topic/train.parquet")["id"][0]
    compared = {"read the overrides", "compare the rows' texts and labels"}
    expected = compared | JUDGES | NOISE | EVERYTHING_TRAINED
    try:
        path.write_text(f"id,label\n{row},drop\n")
        assert finished.jobs("all") == expected
    finally:
        path.unlink()
    assert finished.jobs("all") == set()


def test_a_layer_can_take_a_model_away(finished: Clone) -> None:
    layer = finished.folder / "layer.yaml"
    layer.write_text("models: {encoder: null}\n")
    assert finished.jobs("all", "--configfile", "layer.yaml") == AFTER_MEMBERS | {"describe the rows"}


def test_an_encoder_of_the_hub_is_old_news_once_it_is_there(finished: Clone) -> None:
    """Its files appear on the disk between two runs; that must not change what jobs depend on."""
    config = copy.deepcopy(CONFIG)
    config["models"]["encoder"] |= {"encoder": "org/tiny", "revision": "refs/pr/1"}
    folder = finished.folder / "data/hub/org--tiny@refs--pr--1"
    finished.configure(config)
    try:
        before = finished.jobs("all")
        shutil.copytree(finished.folder / "data/tiny_encoder", folder)
        after = finished.jobs("all")
    finally:
        finished.configure(CONFIG)
        shutil.rmtree(folder, ignore_errors=True)
    fetched = {"fetch the encoder org--tiny@refs--pr--1 from the Hub"}
    tokens = {f"tokens of {part} in view raw for org--tiny-refs--pr--1-834379" for part in ("train", "test")}
    assert before == fetched | tokens | ENCODER | AFTER_MEMBERS | {"describe the rows"}
    assert after == before - fetched

"""What the config's noise block means for the rules, and which of its mistakes are told."""

from pathlib import Path
from typing import Any

import pytest

from podium.errors import UserError
from podium.noise import LINEAR
from podium.plan import Plan
from podium.validation import load

ROOT = Path(__file__).parents[2]


def raw(noise: dict[str, Any], **task: Any) -> dict[str, Any]:
    files = {"train": "a.csv", "test": "b.csv", "text": ["x"], "target": "y"}
    models = {"words": {"kind": "linear", "view": "clean"}, "trees": {"kind": "lightgbm", "seeds": [4, 5]}}
    bert = {"kind": "transformer", "encoder": "org/bert", "threads": 3}
    return {
        "competition": "c",
        "seed": 7,
        "tasks": {"t": files | task},
        "text": {"views": {"raw": [], "clean": ["nfkc"]}},
        "folds": {"n": 4},
        "noise": noise,
        "models": {**models, "bert": bert},
    }


def plan_of(noise: dict[str, Any], **task: Any) -> Plan:
    return Plan.from_raw(raw(noise, **task), ROOT)


@pytest.mark.parametrize(
    ("noise", "line"),
    [
        ({"models": ["wrods"]}, "noise.models: there is no model 'wrods'; did you mean 'words'?"),
        ({"models": ["words", "words"]}, "noise.models: words stands there more than once"),
        ({"models": []}, "noise.models: it should have at least 1 item, not 0"),
        ({"view": "claen"}, "noise.view: there is no text view 'claen'; did you mean 'clean'?"),
        (
            {"models": ["words"], "view": "clean"},
            "noise.view: is of the built-in model; those in noise.models have views of their own; take it out",
        ),
        (
            {"mode": "plain", "inner_folds": 4},
            "noise.inner_folds: only for mode: nested; plain uses the run's folds; take it out",
        ),
        ({"margin": 0.2}, "noise.margin: only for filter_by: margin; take it out"),
        ({"filter_by": "margn"}, "noise.filter_by: found 'margn'; did you mean 'margin'?"),
        ({"mode": "nestd"}, "noise.mode: found 'nestd'; did you mean 'nested'?"),
    ],
)
def test_mistakes_are_one_line(noise: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError) as error:
        load(raw(noise))
    assert str(error.value) == f"config: {line}"


def test_a_regression_has_no_noise_stage_but_may_have_overrides() -> None:
    regression = {"type": "regression", "metric": "rmse"}
    with pytest.raises(
        UserError, match="noise: label noise is not judged in a regression; take this block out"
    ):
        plan_of({"max_share": 0.2}, **regression)
    assert plan_of({"overrides": "data/mine.csv"}, **regression).judged == []
    assert plan_of({}).judged == ["t"]


@pytest.mark.parametrize("split", ["fold2", "all"])
def test_judges_are_trained_as_their_members_are(split: str) -> None:
    plan = plan_of({"models": ["trees", "bert"], "inner_folds": 5})
    assert plan.judges() == ["trees", "bert"]
    for judge, member in (("trees", "trees-s4"), ("bert", "bert-s0")):
        block, trained = plan.noise_proba(judge, split), plan.train(member, 0, 2)
        for key in ("type", "kind", "options", "seed", "threads"):
            assert block[key] == trained[key]
        assert (block["fold"], block["inner_folds"]) == ((2, 5) if split == "fold2" else (None, None))
        assert plan.judge_tables(judge) == plan.tables(member)
        assert plan.judge_encoder(judge) == plan.encoder_files(member)
        assert plan.judge_gpus(judge) == plan.gpus(member)
    built_in = plan_of({"view": "clean"})
    (judge,) = built_in.judges()
    assert built_in.judge_tables(judge) == "results/text/t/clean"
    assert (built_in.judge_encoder(judge), built_in.judge_gpus(judge)) == ([], 0)
    assert built_in.noise_proba(judge, split)["options"] == LINEAR


def test_verdicts_of_a_fold_read_its_own_probabilities_or_those_of_all_rows() -> None:
    folder = "results/noise/t/proba"
    nested, plain = plan_of({"models": ["words", "trees"]}), plan_of({"mode": "plain"})
    assert nested.judging_files(3) == [f"{folder}/words/fold3.parquet", f"{folder}/trees/fold3.parquet"]
    assert plain.judging_files(3) == [f"{folder}/built-in/all.parquet"]


@pytest.mark.parametrize(
    "edit",
    [
        *({"filter_by": "both"}, {"filter_by": "margin", "margin": 0.5}, {"score": "normalized_margin"}),
        *({"max_share": 0.3}, {"class_max_share": 0.3}, {"min_rows": 2}, {"relabel_confidence": 0.7}),
    ],
)
def test_every_key_of_a_verdict_changes_the_verdicts_and_trains_nothing(edit: dict[str, Any]) -> None:
    before, after = plan_of({}), plan_of(edit)
    assert repr(before.noise(0)) != repr(after.noise(0))
    assert repr(before.noise_proba("built-in", "fold0")) == repr(after.noise_proba("built-in", "fold0"))
    assert repr(before.noise_rows()) == repr(after.noise_rows())


def test_overrides_count_where_their_file_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    assert plan_of({}).overrides() is None
    (tmp_path / "data/overrides.csv").write_text("id,label\n")
    assert plan_of({}).overrides() == "results/noise/t/overrides.parquet"
    assert plan_of({"overrides": "data/other.csv"}).overrides() is None
    assert plan_of({"overrides": None}).overrides() is None
    assert plan_of({}).read_overrides() == {"type": "single_label", "separator": "|"}
    several = {"type": "multi_label", "label_separator": ";", "metric": "micro_f1"}
    assert plan_of({}, **several).read_overrides() == {"type": "multi_label", "separator": ";"}


def test_a_job_that_trains_takes_the_devices_of_its_model() -> None:
    """Also where the model judges labels; predicting takes one, and a kind without a network none."""
    given = raw({"models": ["bert", "words"]})
    given["models"]["bert"]["devices"] = 3
    plan = Plan.from_raw(given, ROOT)
    assert [plan.training_gpus("bert-s0"), plan.gpus("bert-s0"), plan.judge_gpus("bert")] == [3, 1, 3]
    assert [plan.training_gpus("words-s0"), plan.judge_gpus("words")] == [0, 0]

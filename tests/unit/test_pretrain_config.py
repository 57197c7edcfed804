"""The config's pretrainings: every mistake told, each key's place in the plan, what a change touches."""

import copy
from pathlib import Path
from typing import Any

import pytest

from podium.errors import UserError
from podium.filecheck import check
from podium.plan import Plan, slug
from podium.report_pretrain import pretrain_notes

ROOT = Path(__file__).parents[2]
TASK = {"train": "a.csv", "test": "b.csv", "text": ["x"], "target": "y", "language": "zh"}
OTHER = {"unlabelled": {"web": {"file": "d.csv"}}, "external": {"old": {"file": "c.csv"}}}
BACK = {"kind": "back_translation", "engine": "marian", "through": ["de"]}
MLM = {"kind": "mlm", "encoder": "pretrain/itpt"}
RAW: dict[str, Any] = {
    "competition": "c",
    "seed": 5,
    "tasks": {"t": {**TASK, **OTHER}},
    "pretrain": {
        "itpt": {"encoder": "org/bert", "revision": "v1"},
        "small": {"scratch": {"hidden_size": 64}, "seed": 2, "masking": "token"},
        "spare": {"encoder": "org/other"},
    },
    "models": {
        "first": {"kind": "transformer", "encoder": "pretrain/itpt"},
        "second": {"kind": "transformer", "encoder": "pretrain/small", "seeds": [0, 1]},
        "trees": {"kind": "lightgbm", "encoder": "pretrain/itpt"},
        "plain": {"kind": "transformer", "encoder": "org/bert", "revision": "v1"},
    },
}


def plan_of(**edits: Any) -> Plan:
    raw = copy.deepcopy(RAW)
    for path, value in edits.items():
        node = raw
        *before, last = path.split("__")
        for key in before:
            node = node.setdefault(key, {})
        node[last] = value
    return Plan.from_raw(raw, ROOT)


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ({"models__first__encoder": "pretrain/itp"}, "models.first.encoder: there is no pretraining 'itp'; did you"),
        ({"models__first__revision": "v1"}, "models.first.revision: only for names on the Hub"),
        ({"models__second__max_length": 600}, "models.second.max_length: 600 is more than the 512 positions"),
        ({"pretrain__itpt__view": "row"}, "pretrain.itpt.view: there is no text view 'row'; did you mean 'raw'?"),
        ({"pretrain__itpt__texts": ["train", "wev"]}, "itpt.texts: there is no part 'wev'; did you mean 'web'?"),
        (
            {
                "tasks__other": {**TASK, "unlabelled": {"forum": {"file": "f.csv"}}},
                "pretrain__itpt__tasks": ["t"],
                "pretrain__itpt__texts": ["train", "forum"],
            },
            "pretrain.itpt.texts: there is no part 'forum' of task t; ",
        ),
        ({"pretrain__itpt__texts": ["train", "train"]}, "a part stands there more than once"),
        ({"pretrain__small__texts": ["test"], "pretrain__small__test": False}, "test: false leaves it out"),
        ({"pretrain__itpt__encoder": None, "pretrain__itpt__revision": None}, "pretrain.itpt.encoder: name one"),
        ({"pretrain__itpt__scratch": {}}, "pretrain.itpt.scratch: makes a new network, but encoder names one"),
        ({"pretrain__itpt__encoder": "pretrain/small"}, "is a pretraining itself"),
        ({"pretrain__itpt__ngrams": [1.0]}, "ngrams: belongs to masking: ngram"),
        ({"pretrain__itpt__masking": "ngram", "pretrain__itpt__ngrams": [0, 0]}, "every weight is 0"),
        ({"pretrain__itpt__detection_weight": 3.0}, "detection_weight: belongs to objective: rtd"),
        ({"pretrain__itpt__maskin": "token"}, "pretrain.itpt.maskin: unknown key; did you mean 'masking'?"),
        ({"pretrain__small__scratch__hidden_siz": 8}, "unknown key; did you mean 'hidden_size'?"),
        ({"pretrain__small__scratch__heads": 5}, "hidden_size: 64 is no multiple of heads 5; such as 65"),
        ({"pretrain__small__scratch__positions": 64}, "positions: 64 are fewer than max_length 128"),
        ({"pretrain__small__scratch__init": "vectors"}, "vectors: init: vectors needs their file"),
        ({"pretrain__small__scratch__vectors": "v.txt"}, "vectors: belongs to init: vectors"),
        ({"pretrain__small__scratch__window": 3}, "window: belongs to init: ppmi"),
        ({"augment__m": {**MLM, "encoder": "pretrain/ipt"}}, "augment.m.encoder: there is no pretraining 'ipt'"),
        ({"augment__m": {**MLM, "revision": "v1"}}, "augment.m.revision: only for names on the Hub"),
        ({"augment__m": {**MLM, "encoder": "pretrain/small", "max_length": 600}}, "more than the 512 positions"),
        (
            {"augment__m": MLM, "pretrain__itpt__objective": "rtd"},
            "augment.m.encoder: pretrain/itpt is trained to tell replaced tokens",
        ),
        (
            {"augment__m": {**MLM, "encoder": "pretrain/small"}, "pretrain__small__steps": 0},
            "augment.m.encoder: pretrain/small has steps: 0, and its head would write random words",
        ),
        (
            {"augment__m": {**BACK, "model_out": "pretrain/itpt", "model_back": "org/back"}},
            "augment.m.model_out: pretrain/itpt is an encoder and does not translate",
        ),
        (
            {"augment__m": {"kind": "eda", "filter": {"similarity": 0.5, "encoder": "pretrain/no"}}},
            "augment.m.filter.encoder: there is no pretraining 'no'",
        ),
        ({"pretrain__itpt__rate": 1.5}, "pretrain.itpt.rate: input should be less than 1"),
        ({"pretrain": {}}, "models.first.encoder: there is no pretraining 'itpt'; there is no pretrain block"),
    ],
)  # fmt: skip
def test_mistakes_are_told(edits: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as error:
        plan_of(**edits)
    assert message in str(error.value)


def test_files_that_are_not_there_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = plan_of(
        pretrain__itpt={"encoder": "data/none"},
        augment__m={**MLM, "copies": 2},  # its encoder is made by then
        pretrain__small__scratch={"init": "vectors", "vectors": "none.vec", "hidden_size": 64},
    )
    with pytest.raises(UserError) as error:
        check(plan)
    assert "pretrain.itpt.encoder: data/none has no config.json" in str(error.value)
    assert "pretrain.small.scratch.vectors: there is no file none.vec" in str(error.value)
    assert "models.first" not in str(error.value)
    assert "augment.m" not in str(error.value)


def test_models_take_the_result_and_its_tokens_come_from_where_it_began() -> None:
    plan = plan_of()
    assert plan.encoder("first-s0") == "results/pretrain/itpt/encoder"
    assert plan.encoder_files("first-s0") == ["results/pretrain/itpt/encoder"]
    assert plan.train("first-s0", 0, 0)["options"]["encoder"] == "results/pretrain/itpt/encoder"
    assert plan.train("trees-s0", 0, 0)["options"]["encoder"] == "results/pretrain/itpt/encoder"
    assert plan.tables("first-s0") == plan.tables("plain-s0")  # the same tokenizer
    assert plan.tables("second-s0").startswith("results/tokens/t/raw/small-")
    own = slug("results/pretrain/small/start")
    assert plan.tokenizer_file(own) == "results/pretrain/small/start"
    assert plan.pretrain_start_files("itpt") == ["data/hub/org--bert@v1"]
    assert plan.hub("org--other") == {"name": "org/other", "revision": None}
    assert plan.pretrainings_in_use() == ["itpt", "small"]
    assert plan.made_from_scratch() == ["small"]


def test_augmentations_take_the_result_and_are_made_after_it() -> None:
    near = {"similarity": 0.5, "encoder": "pretrain/small"}
    blocks = {
        "m": {**MLM, "encoder": "pretrain/spare"},
        "e": {"kind": "eda", "synonyms": "d.txt", "filter": near},
    }
    plan = plan_of(augment=blocks, models__plain__augment=["m"])
    assert plan.augment_needs("m") == ["results/pretrain/spare/encoder"]
    assert plan.augment("m")["settings"]["encoder"] == "results/pretrain/spare/encoder"
    assert plan.augment_needs("e") == ["d.txt", "results/pretrain/small/encoder"]
    assert plan.augment("e")["filter"]["encoder"] == "results/pretrain/small/encoder"
    assert plan.augment_encoders() == []  # nothing to fetch
    assert plan.pretrainings_in_use() == ["itpt", "small", "spare"]
    assert plan.pretrain_notes()["spare"] == ["plain"]
    assert plan.pretrain_notes()["small"] == ["second"]  # no model lists e


def test_parts_and_the_switch_against_test_texts() -> None:
    plan = plan_of()
    assert [part for _, part in plan.pretrain_parts("itpt")] == ["train", "test", "old", "web"]
    without = plan_of(pretrain__itpt__test=False).pretrain_parts("itpt")
    assert without == [("t", part) for part in ("train", "old", "web")]
    some = plan_of(pretrain__itpt__texts=["web", "test"]).pretrain_parts("itpt")
    assert some == [("t", "web"), ("t", "test")]
    assert plan.pretrain_texts("itpt")[2:] == [
        "results/text/t/raw/old.parquet",
        "results/text/t/raw/web.parquet",
    ]


def test_a_change_touches_the_blocks_that_depend_on_it() -> None:
    def blocks(plan: Plan) -> dict[str, Any]:
        made = {f"pretrain {name}": plan.pretrain(name) for name in ("itpt", "small")}
        made["start small"] = plan.start_encoder("small")
        return made | {f"train {member}": plan.train(member, 0, 0) for member in plan.members}

    cases: dict[str, tuple[Any, set[str]]] = {
        "pretrain__small__epochs": (1.5, {"pretrain small"}),
        "pretrain__small__scratch": ({"hidden_size": 32}, {"start small"}),
        "pretrain__small__seed": (3, {"pretrain small", "start small"}),
        "pretrain__itpt__test": (False, {"pretrain itpt"}),
        "pretrain__itpt__detection_weight": (50.0, set()),
        "pretrain__itpt__objective": ("rtd", {"pretrain itpt"}),
        "pretrain__spare__epochs": (1.0, set()),
        "models__first__epochs": (1.0, {"train first-s0"}),
    }
    before = blocks(plan_of())
    for path, (value, touched) in cases.items():
        after = blocks(plan_of(**{path: value}))
        assert {name for name in before if repr(before[name]) != repr(after[name])} == touched, path
    assert before["pretrain small"]["seed"] == before["start small"]["seed"] == 7
    rates = [before[f"pretrain {name}"]["settings"]["learning_rate"] for name in ("itpt", "small")]
    assert rates == [1e-4, 5e-4]


def test_the_summary_says_what_was_seen() -> None:
    point = {"perplexity": 9.0}
    facts = {
        "name": "itpt",
        "parts": ["train", "test"],
        "steps": 9,
        "first": point,
        "last": {"perplexity": 4.25},
    }
    (note,) = pretrain_notes([facts, {**facts, "steps": 0}])
    assert note == (
        "pretrain/itpt read the texts, not the labels, of train, test: transductive (pretrain.itpt.test: false leaves "
        "the test texts out); held-out perplexity 9.0 to 4.2"
    )
    learned = {**facts, "objective": "mlm", "frequencies": 8.6}
    assert pretrain_notes([learned]) == [note]
    (hardly,) = pretrain_notes([{**learned, "frequencies": 8.4}])
    assert hardly.startswith(f"{note}, and the tokens' bare frequencies have 8.4: it has hardly learned; try")
    assert pretrain_notes([{**learned, "frequencies": 8.4, "objective": "rtd"}]) == [note]
    (note,) = pretrain_notes([{**facts, "parts": ["train"], "first": None}])
    assert "the CV may be a little too good" in note
    assert "perplexity" not in note


def test_the_summary_says_it_of_the_parts_of_several_tasks_too() -> None:
    facts = {"name": "both", "steps": 9, "first": None, "last": None}
    (note,) = pretrain_notes([{**facts, "parts": ["one/train", "one/test", "two/train", "two/test"]}])
    assert note == (
        "pretrain/both read the texts, not the labels, of one/train, one/test, two/train, two/test: transductive "
        "(pretrain.both.test: false leaves the test texts out)"
    )
    (note,) = pretrain_notes([{**facts, "parts": ["one/train", "two/train", "two/test_forum"]}])
    assert "the CV may be a little too good" in note
    (note,) = pretrain_notes([{**facts, "parts": ["one/forum"]}])
    assert note == "pretrain/both read the texts, not the labels, of one/forum"

"""What the config's augmentations mean: checks, blocks of parameters, files and code that their rules depend on."""

from pathlib import Path
from typing import Any

import pytest

from podium import filecheck
from podium.augment import KINDS
from podium.config.augment import AUGMENTATIONS
from podium.errors import UserError
from podium.plan import Plan

ROOT = Path(__file__).parents[2]
TASK = {"train": "a.csv", "test": "b.csv", "text": ["x"], "target": "y"}
LINEAR = {"m": {"kind": "linear"}}
MLM = {"kind": "mlm", "encoder": "org/bert", "revision": "v1"}


def plan_of(block: dict[str, Any], models: dict[str, Any] | None = None, **task: Any) -> Plan:
    raw = {"competition": "c", "seed": 5, "tasks": {"t": {**TASK, **task}}, "augment": {"more": block}}
    return Plan.from_raw({**raw, "models": models or LINEAR}, ROOT)


DRAWN = {
    **{"kind": "back_translation", "engine": "marian", "through": ["de"], "sampling": True},
    **{"model_out": "a/b", "model_back": "a/c"},
}


def test_every_kind_of_the_config_has_a_module() -> None:
    assert list(AUGMENTATIONS) == list(KINDS)


@pytest.mark.parametrize(
    ("block", "task", "line"),
    [
        ({"kind": "edda"}, {}, "more.kind: unknown kind 'edda'; did you mean 'eda'?"),
        ({}, {}, "more.kind: this key is required and missing; valid: eda, mlm, back_translation"),
        ({"kind": "eda", "variant": "papr"}, {}, "more.variant: found 'papr'; did you mean 'paper'?"),
        (
            {"kind": "eda", "filter": {"negatoin": True}},
            {},
            "more.filter.negatoin: unknown key; did you mean 'negation'?",
        ),
        ({"kind": "mlm"}, {}, "more.encoder: this key is required and missing"),
        (
            {**MLM, "encoder": "data/bert"},
            {},
            "more.revision: only for names on the Hub, but encoder is the folder data/",
        ),
        (
            {"kind": "eda", "copies": 0},
            {},
            "more.copies: 0 makes no rows; only with balance has it a meaning",
        ),
        (
            {"kind": "eda"},
            {"language": "zh"},
            "more: eda needs English WordNet, but tasks.t.language is 'zh'; name a ",
        ),
        (
            {"kind": "eda", "synonyms": "a.txt"},
            {"language": "ja"},
            "more: eda needs words, and of the languages without",
        ),
        (
            {"kind": "eda", "segments": "b"},
            {},
            "more.segments: 'b' needs a pair of texts, and tasks.t.text has one",
        ),
        (
            {"kind": "eda", "filter": {"length_ratio": [1.5, 2]}},
            {},
            "more.filter.length_ratio: found [1.5, 2.0]; the",
        ),
        (
            {"kind": "eda", "filter": {"similarity": 0.5}},
            {},
            "more.filter.similarity: needs an encoder; name one in",
        ),
        (
            {"kind": "eda", "filter": {"encoder": "a/b"}},
            {},
            "more.filter.encoder: belongs to similarity; set",
        ),
        (
            {"kind": "eda", "balance": True},
            {"type": "regression", "metric": "rmse"},
            "more.balance: a regression has no classes to balance; set it to false",
        ),
        (
            {"kind": "eda", "filter": {"label": 0.9}},
            {"type": "multi_label", "metric": "micro_f1", "label_separator": " "},
            "more.filter.label: only for type single_label; set it to null",
        ),
        (
            {"kind": "back_translation", "engine": "apertium", "through": ["spa"], "model_out": "a/b"},
            {},
            "more.model_out: apertium has its own data for each pair of languages; leave it out",
        ),
        ({"kind": "eda", "max_copies": 6}, {}, "more.max_copies: belongs to balance; leave it out"),
        (
            {"kind": "eda", "filter": {"inner_folds": 4}},
            {},
            "more.filter.inner_folds: belongs to label; leave it out",
        ),
        (
            {"kind": "eda", "filter": {"max_length": 64}},
            {},
            "more.filter.max_length: belongs to similarity; leave it",
        ),
        (
            {"kind": "eda", "filter": {"revision": "main"}},
            {},
            "more.filter.revision: belongs to similarity; leave it",
        ),
        *(
            (
                {"kind": "back_translation", "engine": "apertium", "through": ["spa"], key: value},
                {},
                f"more.{key}: apertium has nothing to choose here; leave it out",
            )
            for key, value in {
                **{"beams": 2, "sampling": True, "temperature": 0.5, "top_k": 5, "max_length": 64},
                **{"batch_tokens": 99, "revision_out": "main", "revision_back": "main"},
            }.items()
        ),
        *(
            (
                {"kind": "back_translation", "fresh": True, **through},
                {},
                f"more.fresh: each draw would have all {count} different copies, so every one the same",
            )
            for count, through in (
                (1, {"engine": "apertium", "through": ["spa"]}),
                (2, {"engine": "apertium", "through": ["spa", "cat"], "copies": 2}),
                (4, {**DRAWN, "sampling": False, "copies": 4, "fresh": 3}),
            )
        ),
        ({**DRAWN, "beams": 2}, {}, "more.beams: words are drawn where sampling is true; leave it out"),
        ({**DRAWN, "sampling": False, "top_k": 2}, {}, "more.top_k: belongs to sampling; leave it out"),
        (
            {**DRAWN, "sampling": False, "temperature": 0.5},
            {},
            "more.temperature: belongs to sampling; leave it out",
        ),
    ],
)
def test_one_mistake_gets_one_line(block: dict[str, Any], task: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError) as told:
        plan_of(block, **task)
    lines = str(told.value).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"config: augment.{line}")


def test_draws_may_differ_where_there_are_more_copies_than_a_draw_has() -> None:
    spanish = {"kind": "back_translation", "engine": "apertium", "fresh": 2}
    plan_of({**spanish, "through": ["spa", "cat"]})
    plan_of({**spanish, "through": ["spa"], "fresh": 1})
    plan_of({**spanish, "through": ["spa"]}, text=["x", "z"])  # one of the two texts, drawn anew
    plan_of({**DRAWN, "fresh": True, "copies": 9})
    plan_of({**DRAWN, "sampling": False, "fresh": True, "copies": 3})


def test_a_chinese_task_needs_a_dictionary_and_no_wordnet() -> None:
    plan = plan_of({"kind": "eda", "synonyms": "data/syn.txt"}, language="zh")
    assert (plan.augment_wordnet("more"), plan.augment_needs("more")) == ([], ["data/syn.txt"])
    assert plan.augment("more")["language"] == "zh"
    assert plan_of({"kind": "eda"}).augment_wordnet("more") == ["data/wordnet/corpora/wordnet/data.noun"]


def test_draws_are_the_most_epochs_of_the_networks_that_use_them() -> None:
    bert = {"kind": "transformer", "encoder": "org/bert", "epochs": 3, "augment": ["more"]}
    models = {
        "bert": bert,
        "short": {**bert, "epochs": 4.5},
        "other": {**bert, "epochs": 9, "augment": []},
        "bags": {"kind": "fasttext", "epochs": 50, "augment": ["more"]},
    }
    for fresh, draws in ((True, 5), (False, 1), (1, 1), (7, 7)):
        assert plan_of({"kind": "eda", "fresh": fresh}, models).augment("more")["draws"] == draws
    assert plan_of({"kind": "eda", "fresh": True}).draws("more") == 1


def test_making_and_choosing_rows_depend_on_their_own_keys() -> None:
    def blocks(**keys: Any) -> dict[str, str]:
        plan = plan_of({"kind": "eda", **keys})
        return {
            "make": repr(plan.augment("more")),
            "choose": repr(plan.selection("more")),
            "judge": repr(plan.judge_made("more", 0)),
        }

    plain = blocks()
    for keys, touched in (
        ({"max_share": 0.5}, {"choose"}),
        ({"copies": 2}, {"make", "choose"}),
        ({"alpha_sr": 0.2}, {"make"}),
        ({"filter": {"label": 0.9}}, {"judge"}),
        ({"filter": {"negation": True}}, {"make"}),
    ):
        changed = blocks(**keys)
        assert {name for name in plain if plain[name] != changed[name]} == touched, keys
    assert (
        plan_of({"kind": "eda", "copies": 0, "balance": True, "max_copies": 6}).augment("more")["copies"] == 6
    )
    assert plan_of({"kind": "eda", "copies": 2}).augment("more")["copies"] == 2


def test_encoders_are_fetched_and_named_by_their_folders() -> None:
    plan = plan_of({**MLM, "filter": {"similarity": 0.7, "encoder": "data/models/all-MiniLM-L6-v2"}})
    block = plan.augment("more")
    assert block["settings"]["encoder"] == "data/hub/org--bert@v1"
    assert "revision" not in {**block["settings"], **block["filter"]}
    assert plan.hub("org--bert@v1") == {"name": "org/bert", "revision": "v1"}
    needs = plan.augment_needs("more")
    assert {"data/hub/org--bert@v1", "data/models/all-MiniLM-L6-v2/model.safetensors"} <= set(needs)
    assert plan.augment_gpus("more") == 1
    assert plan_of({"kind": "eda"}).augment_gpus("more") == 0
    assert block["filter"]["negation"]  # the default of a kind that may turn a meaning round
    assert not plan_of({"kind": "eda"}).augment("more")["filter"]["negation"]
    partly = plan_of({**MLM, "filter": {"length_ratio": None}}).augment("more")["filter"]
    assert (partly["negation"], partly["length_ratio"]) == (True, None)


def test_files_that_are_not_there_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    plan = plan_of({"kind": "eda", "synonyms": "none.txt"})
    with pytest.raises(UserError, match=r"augment\.more: there is no file or folder none\.txt; put it there"):
        filecheck.check(plan)
    with pytest.raises(UserError, match=r"augment\.more: empty has no config\.json"):
        filecheck.check(plan_of({"kind": "mlm", "encoder": "empty"}))


def test_code_of_one_kind_does_not_touch_another(tmp_path: Path) -> None:
    """Making rows by EDA must not be done again when the engine of the encoders changes."""
    plan = plan_of({"kind": "eda"})
    mlm = plan_of(MLM).code_of_augmentation("augment", "more")
    assert plan.code_of_augmentation("augment", "more") != mlm
    for path in [*(ROOT / "podium").rglob("*.py"), *(ROOT / "scripts").glob("*.py")]:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    for edited in ("podium/engine/backbones.py", "podium/models/embeddings.py", "podium/augment/mlm.py"):
        with (tmp_path / edited).open("a", encoding="utf-8") as file:
            file.write("\nEDITED = 1\n")
    plan.root = tmp_path
    assert plan.code_of_augmentation("augment", "more") == plan_of({"kind": "eda"}).code_of_augmentation(
        "augment", "more"
    )
    other = plan_of(MLM)
    other.root = tmp_path
    assert other.code_of_augmentation("augment", "more") != mlm

"""Steps in the config: two forms, every default in one place, mistakes told by their path."""

import copy
import inspect
import re
from pathlib import Path
from typing import Any, get_args

import emoji
import jsonschema
import pytest
import yaml

from podium.config import schema
from podium.config.text import EmojiLanguage, Step, StepName, Text, plain_steps
from podium.errors import UserError
from podium.plan import Plan
from podium.text import STEP_NAMES, emoticons
from podium.text.steps import pipeline
from podium.validation import load

ROOT = Path(__file__).parents[2]
RAW: dict[str, Any] = {
    "competition": "c",
    "tasks": {"t": {"train": "a.csv", "test": "b.csv", "text": ["x"], "target": "y"}},
    "models": {"m": {"kind": "linear"}},
}


def raw(clean: Any, language: str = "en") -> dict[str, Any]:
    made = {**copy.deepcopy(RAW), "text": {"views": {"raw": [], "clean": clean}}}
    made["tasks"]["t"]["language"] = language
    return made


def told(given: dict[str, Any]) -> list[str]:
    with pytest.raises(UserError) as error:
        load(given)
    return [line.removeprefix("config: ") for line in str(error.value).split("\n")]


def test_config_and_library_know_the_same_steps() -> None:
    assert get_args(StepName) == tuple(Step.model_fields)
    assert set(STEP_NAMES) == set(Step.model_fields)
    assert list(get_args(EmojiLanguage)) == emoji.LANGUAGES
    choices = get_args(
        get_args(Step.model_fields["emoticons"].annotation)[0].model_fields["language"].annotation
    )
    assert list(get_args(choices[0])) == list(emoticons._WORDS)
    for name in Step.model_fields:
        pipeline(plain_steps([name]), language="en", wordnet=None)


def test_a_name_alone_is_the_step_with_its_defaults() -> None:
    forms = ["urls", {"urls": None}, {"urls": {}}, {"urls": {"with": "url", "action": "replace"}}]
    assert [repr(plain_steps([form])) for form in forms] == [
        "[{'step': 'urls', 'action': 'replace', 'with': 'url'}]"
    ] * 4
    view = Text.model_validate({"views": {"v": [forms[0]]}})
    assert view == Text.model_validate({"views": {"v": [forms[3]]}}) == Text.model_validate(view.model_dump())
    described = jsonschema.Draft202012Validator(schema())
    for form in [*forms, *Step.model_fields]:
        assert described.is_valid(raw([form])), form
    for wrong in ("lower", {"urls": {}, "emails": {}}, {"urls": {"action": "dorp"}}, {}):
        assert not described.is_valid(raw([wrong])), wrong


def test_the_plan_hands_over_plain_dicts() -> None:
    plan = Plan.from_raw(raw(["nfkc", {"repeats": {"most": 2}}]), ROOT)
    assert plan.text("clean") == {
        "steps": [{"step": "nfkc"}, {"step": "repeats", "most": 2}],
        "language": "en",
    }
    assert plan.text_changes("clean") == {**plan.text("clean"), "samples": 20}


@pytest.mark.parametrize(
    ("steps", "lines"),
    [
        (["nfkc", "lower"], ["text.views.clean[1]: found 'lower'; did you mean 'lowercase'?"]),
        ([{"urlz": {}}], ["text.views.clean[0].urlz: unknown key; did you mean 'urls'?"]),
        (
            ["nfkc", "emoji", {"urls": {"action": "dorp"}}],
            ["text.views.clean[2].urls.action: found 'dorp'; did you mean 'drop'?"],
        ),
        ([{"urls": {"wiht": "x"}}], ["text.views.clean[0].urls.wiht: unknown key; did you mean 'with'?"]),
        ([{"urls": {"with_": "x"}}], ["text.views.clean[0].urls.with_: unknown key; did you mean 'with'?"]),
        (
            [{"repeats": {"most": 0}}],
            ["text.views.clean[0].repeats.most: input should be greater than or equal to 1; found 0"],
        ),
        ([{"urls": "drop"}], ['text.views.clean[0].urls: this must be a block of keys; found "drop"']),
        (
            [{"urls": {}, "emails": {}}],
            [
                "text.views.clean[0]: a step is one name, each behind a dash of its own; "
                'found {"urls": {}, "emails": {}}'
            ],
        ),
        ("nfkc", ["text.views.clean: must be a list; write [nfkc]"]),
        (
            ["drop_duplicates", "nfkc"],
            ["text.views.clean[0]: drop_duplicates must be the last step"],
        ),
        (
            ["lower", {"urls": {"action": "dorp"}}],
            [
                "text.views.clean[0]: found 'lower'; did you mean 'lowercase'?",
                "text.views.clean[1].urls.action: found 'dorp'; did you mean 'drop'?",
            ],
        ),
    ],
)
def test_mistakes(steps: Any, lines: list[str]) -> None:
    assert told(raw(steps)) == lines


def test_a_view_with_a_mistake_is_still_there_and_the_rest_is_checked() -> None:
    given = {**raw(["lower"]), "noise": {"view": "clean"}, "pseudo": {"voters": ["n"]}}
    assert [line.split(":")[0] for line in told(given)] == ["text.views.clean[0]", "pseudo.voters"]


def test_steps_that_have_no_words_in_the_tasks_language() -> None:
    faces, shown = told(raw(["emoticons", "emoji"], language="fi"))
    assert faces.startswith("text.views.clean[0].emoticons: there are no words in the task's language 'fi'; ")
    assert shown.startswith("text.views.clean[1].emoji: there are no words in the task's language 'fi'; ")
    load(raw([{"emoticons": {"action": "drop"}}, {"emoji": {"language": "en"}}], language="fi"))


@pytest.mark.parametrize(
    ("step", "line"),
    [
        ({"urls": {"action": "drop", "with": "x"}}, "urls.with: belongs to action: replace; leave it out"),
        ({"hashtags": {"with": "x"}}, "hashtags.with: belongs to action: replace; leave it out"),
        (
            {"emoji": {"action": "drop", "language": "zh"}},
            "emoji.language: belongs to action: words; leave it out",
        ),
        (
            {"emoticons": {"action": "drop", "language": "zh"}},
            "emoticons.language: belongs to action: words; leave it out",
        ),
    ],
)
def test_an_option_that_would_do_nothing_is_told(step: Any, line: str) -> None:
    assert told(raw([step])) == [f"text.views.clean[0].{line}"]
    load(raw([{"urls": {"action": "drop", "with": "url"}}]))  # as a config that is written out in full


def test_a_language_without_lemmas_is_told_before_anything_runs() -> None:
    (line,) = told(raw(["lemmas"], language="vi"))
    assert line.startswith("text.views.clean[0].lemmas: there are no lemmas for the task's language 'vi'; ")
    load(raw(["lemmas"], language="zh"))


def test_every_option_is_described() -> None:
    for name, field in Step.model_fields.items():
        (block, _) = get_args(field.annotation)
        assert inspect.getdoc(block), name
        assert all(option.description for option in block.model_fields.values()), name


def test_the_docs_name_every_step_and_their_examples_are_valid() -> None:
    text = (ROOT / "docs/text_views.md").read_text(encoding="utf-8")
    for name, field in Step.model_fields.items():
        (row,) = re.findall(rf"^\| `{name}` \| .* \|$", text.partition("## Speed")[0], re.M)
        block, _ = get_args(field.annotation)
        for key, option in block.model_fields.items():
            assert f"`{option.alias or key}:" in row, (name, key)
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.S)]
    views = [block["text"] for block in blocks if "text" in block]
    assert len(views) == 3
    for view in views:
        Text.model_validate(view)

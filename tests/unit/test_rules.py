"""What a rule hands to its script is exactly what the script's ``main`` takes, for every shipped config."""

import ast
import dataclasses
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from podium import ingest, training_rows
from podium.adversarial.judge import Bars
from podium.plans import Plans

ROOT = Path(__file__).parents[2]
SHIPPED = sorted([ROOT / "config.yaml", *(ROOT / "competitions").glob("*.yaml")])
RULE_FILES = sorted((ROOT / "workflow/rules").glob("*.smk"))
HUB: dict[str, Any] = {
    "competition": "hub",
    "tasks": {
        "t": {
            **{"train": "a.csv", "test": "b.csv", "text": ["x"], "target": "y"},
            **{"external": {"more": {"file": "c.csv"}}, "unlabelled": {"bare": {"file": "d.csv"}}},
        }
    },
    "augment": {"eda": {"kind": "eda"}},
    "pretrain": {"small": {"scratch": {}}},
    "models": {"bert": {"kind": "transformer", "encoder": "org/bert", "revision": "v1", "refit": {}}},
}
ONLY_HUB = (
    *("fetch_encoder", "refit_fold", "ingest_external", "ingest_unlabelled", "place_external"),
    *("start_encoder", "pretrain_encoder"),
)
JOINT: dict[str, Any] = {
    **HUB,
    "tasks": {
        name: {"train": f"{name}.csv", "test": "b.csv", "text": ["x"], "target": "y"} for name in ("t", "u")
    },
    "models": {
        "alone": {"kind": "transformer", "encoder": "org/bert"},
        "joint": {"kind": "multitask", "encoder": "org/bert", "fuse": {"models": ["alone"]}, "refit": {}},
    },
}
QUESTIONS = [ROOT / f"competitions/{name}.yaml" for name in ("hw7_qa", "squad_part")]
SHARED = ("deal_folds", "write_submission", "write_summary", "normalise_text")
ONLY_JOINT = (
    *("fuse_encoders", "train_joint_fold", "refit_joint_fold", "deal_joint_folds", "score_competition"),
    *("pack_submission", "sum_up_competition", "check_competition"),
)
ONLY_SOME = (*ONLY_HUB, *ONLY_JOINT)
SPAN: dict[str, Any] = {
    "competition": "span",
    "tasks": {"t": {"type": "span", "train": "a.json", "test": "b.json"}},
    "augment": {"order": {"kind": "shuffle"}},
    "models": {"reader": {"kind": "reader", "encoder": "org/bert", "refit": {}, "augment": ["order"]}},
}
OF_AUGMENTATIONS = ("augment_rows", "judge_made_rows")
# Scripts that pass some keys of their block on to a function, as ``**settings``
PASSED_ON = {
    "ingest_profile": ingest.from_files,
    "train": training_rows.Inputs,
    "refit": training_rows.Inputs,
    "shifted_cv": Bars,
}
OF_TASKS = ("train_joint", "refit_joint")


@dataclasses.dataclass
class Rule:
    """What a rule hands to its script's ``main``: names that are always there, names that may be there."""

    name: str
    stage: str
    script: str
    always: list[str]
    perhaps: set[str]
    block: ast.expr | None
    code: ast.expr | None


def keywords(section: str) -> list[ast.keyword]:
    """The arguments of a rule's section, which has the grammar of a call's arguments."""
    call = ast.parse(f"f({section})", mode="eval").body
    assert isinstance(call, ast.Call)
    starred = [ast.keyword(arg=None, value=value) for value in call.args]
    return [*starred, *call.keywords]


def names_of_function(name: str) -> tuple[set[str], set[str]]:
    """Names of files that an input function returns: all of them, and those of some cases only."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in RULE_FILES)
    pattern = re.compile(r"^def (\w+)\(.*\n(?:    .*\n|\n)+", re.M)
    functions = {match[1]: ast.parse(match[0]) for match in pattern.finditer(source)}
    found: set[str] = set()
    perhaps: set[str] = set()
    for node in ast.walk(functions[name]):
        if isinstance(node, ast.Dict):
            found |= {key.value for key in node.keys if isinstance(key, ast.Constant)}
        if isinstance(node, ast.IfExp):
            perhaps |= {key.value for key in getattr(node.body, "keys", []) if isinstance(key, ast.Constant)}
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            assert isinstance(node.slice, ast.Constant)
            perhaps.add(node.slice.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
            more_found, more_perhaps = names_of_function(node.func.id)
            found, perhaps = found | more_found, perhaps | more_perhaps
    return found | perhaps, perhaps


def rules() -> Iterator[Rule]:
    for path in RULE_FILES:
        for _, name, body in re.findall(
            r"^( *)(?:rule|checkpoint) (\w+):\n((?:\1    .*\n|\n)+)", path.read_text(encoding="utf-8"), re.M
        ):
            body = textwrap.indent(textwrap.dedent(body), "    ")
            found = re.findall(r"^    (\w+):(.*\n(?:        .*\n|\n)*)", body, re.M)
            sections = {
                key: keywords(value)
                for key, value in found
                if key in ("input", "output", "log", "params", "script")
            }
            if "script" not in sections:
                continue
            always, perhaps = [], set()
            for key in ("input", "output", "log"):
                for argument in sections.get(key, []):
                    if argument.arg is not None:
                        always.append(argument.arg)
                    elif key != "log":
                        assert isinstance(argument.value, ast.Call)
                        assert ast.unparse(argument.value.func) == "unpack"
                        every, some = names_of_function(ast.unparse(argument.value.args[0]))
                        always, perhaps = [*always, *(every - some)], perhaps | some
            params = {argument.arg: argument.value for argument in sections["params"]}
            script = Path(ast.literal_eval(sections["script"][0].value)).stem
            yield Rule(name, path.stem, script, always, perhaps, params.get("block"), params.get("code"))


RULES = list(rules())


def call_of(expression: ast.expr, plans: Plans) -> Any:
    """The value of a plan's method, bare or in a lambda, with sample wildcards; no code is evaluated."""
    if isinstance(expression, ast.Lambda):
        expression = expression.body
    if isinstance(expression, ast.Dict):
        keys = [key for key in expression.keys if key is not None]
        return {
            ast.literal_eval(key): ast.unparse(value)
            for key, value in zip(keys, expression.values, strict=True)
        }
    assert isinstance(expression, ast.Call)
    owner, _, method = ast.unparse(expression.func).rpartition(".")
    joint = next(iter(plans.joint_members()), None)
    plan = plans.first
    owners: dict[str, Any] = {
        **dict.fromkeys(("plans[w.task]", "plans[its_task(w)]", "plans.first"), plan),
        "plans": plans,
        "plans.joint(w.member)": plan,
    }
    members = {"plans": joint, "plans.joint(w.member)": joint}
    samples = {
        **{
            "w.member": members.get(owner, next(name for name in plan.members if name != joint)),
            "int(w.round)": 1,
            "int(w.fold)": 0,
            "w.view": next(iter(plan.config.text.views)),
        },
        **{"w.method": next(iter(plan.ensembles() if method == "ensemble" else plan.config.augment), None)},
        "w.folder": "org--bert@v1",
        "w.pretraining": "small",
        "w.judge": plan.judges()[0],
        "w.split": "fold0",
        "w.part": "bare" if method == "ingest_unlabelled" else "more",
    }
    texts = [ast.unparse(argument) for argument in expression.args]
    arguments = [samples[text] if text in samples else text.strip("'") for text in texts]
    return getattr(owners[owner], method)(*arguments)


def config_of(path: Path | None, rule: Rule) -> dict[str, Any]:
    """A shipped config, or one that has what the rule is for."""
    if path is not None:
        return dict(yaml.safe_load(path.read_text(encoding="utf-8")))
    if rule.stage == "span":
        return SPAN
    return JOINT if rule.name in ONLY_JOINT else HUB


def test_every_rule_with_a_script_is_found() -> None:
    scripts = {path.stem for path in (ROOT / "scripts").glob("*.py")} - {"job", "clean_results"}
    assert {rule.script for rule in RULES} == scripts
    text = "".join(path.read_text(encoding="utf-8") for path in RULE_FILES)
    assert len(RULES) == len(re.findall("\n +script:\n", text))


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.stem)
def test_only_files_of_a_task_name_it(path: Path) -> None:
    """A job has the wildcards of its outputs alone."""
    for indent, name, body in re.findall(
        r"^( *)(?:rule|checkpoint) (\w+):\n((?:\1    .*\n|\n)+)", path.read_text(), re.M
    ):
        outputs = re.search(rf"^{indent}    output:\n((?:{indent}        .*\n)+)", body, re.M)
        if outputs is not None and "{task}" not in outputs[1]:
            assert "w.task" not in body, name


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        pytest.param(path, rule, id=f"{path.stem if path else 'hub'}-{rule.name}")
        for path in [*SHIPPED, None]
        for rule in RULES
        if path is None
        or (rule.name in SHARED if path in QUESTIONS else rule.stage != "span" and rule.name not in ONLY_SOME)
    ],
)
def test_main_takes_exactly_what_its_rule_hands_over(path: Path | None, rule: Rule) -> None:
    plans = Plans.from_raw(config_of(path, rule), ROOT)
    if rule.name in OF_AUGMENTATIONS and not plans.config.augment:
        pytest.skip("this config augments nothing")
    block = call_of(rule.block, plans) if rule.block is not None else {}
    handed = [*rule.always, *block]
    assert len(handed) == len(set(handed)), "a name stands for two things"
    parameters = inspect.signature(importlib.import_module(f"scripts.{rule.script}").main).parameters
    taken = {name for name, parameter in parameters.items() if parameter.kind is parameter.KEYWORD_ONLY}
    assert required(parameters) <= {*handed, "threads"}
    passed_on = {*handed, *rule.perhaps} - taken
    if rule.script in PASSED_ON:  # main's own **settings
        parameters = inspect.signature(PASSED_ON[rule.script]).parameters
        assert required(parameters) <= {*handed, *taken, "table"}
        passed_on -= set(parameters)
    if rule.script in OF_TASKS:  # each task's own by its name: podium.joint_rows
        passed_on -= {*inspect.signature(training_rows.Inputs).parameters, "labels"}
    assert not passed_on


def required(parameters: Mapping[str, inspect.Parameter]) -> set[str]:
    named = [value for value in parameters.values() if value.kind is not value.VAR_KEYWORD]
    return {value.name for value in named if value.default is value.empty}


def test_only_fetching_has_no_digest_of_code() -> None:
    """An edit must never delete what was fetched."""
    assert {rule.script for rule in RULES if rule.code is None} == {"fetch", "fetch_encoder"}


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.code], ids=lambda rule: rule.name)
def test_code_digest_is_of_the_rules_own_script(rule: Rule) -> None:
    """Another script's digest would leave edits of this one's modules unseen."""
    assert rule.code is not None
    expression = rule.code.body if isinstance(rule.code, ast.Lambda) else rule.code
    assert isinstance(expression, ast.Call)
    assert ast.literal_eval(expression.args[0]) == rule.script
    assert re.fullmatch("[0-9a-f]{16}", call_of(rule.code, Plans.from_raw(config_of(None, rule), ROOT)))

"""Which keys of the config each rule depends on: blocks by rule, and the single values by a job's own parameters."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_TASK = ("tasks.{task}",)
_VIEW = ("text.views.{view}", "tasks.{task}.language")
_DEALT = ("folds", "seed")
_JUDGED = ("noise", "seed", *_DEALT)
_MODEL = ("models.{model}", "seed", "augment", "noise.overrides", "pseudo")
_METRIC = ("tasks.{task}.metric", "tasks.{task}.type")
_ENSEMBLE = ("ensemble", "seed", *_METRIC)

BLOCKS: dict[str, tuple[str, ...]] = {
    "fetch_reuters_r8": (),
    "fetch_reuters_r8_holdout": (),
    "fetch_minilm": (),
    "fetch_wordnet": (),
    "fetch_encoder": ("models", "augment", "pretrain"),
    "ingest_train": _TASK,
    "ingest_test": _TASK,
    "ingest_external": _TASK,
    "ingest_unlabelled": _TASK,
    "ingest_questions": _TASK,
    "ingest_test_questions": _TASK,
    "profile_rows": (*_TASK, "models"),
    "describe_questions": _TASK,
    "normalise_text": _VIEW,
    "show_changes": (*_VIEW, "text.samples"),
    "deal_folds": (*_DEALT, *_TASK),
    "deal_joint_folds": (*_DEALT, "tasks"),
    "place_external": (*_DEALT, *_TASK),
    "read_overrides": ("noise.overrides", *_TASK),
    "predict_for_noise": (*_JUDGED, "models"),
    "judge_labels": _JUDGED,
    "compare_rows": _JUDGED,
    "review_labels": _JUDGED,
    "augment_rows": ("augment.{method}", "seed", *_TASK),
    "shuffle_contexts": ("augment.{method}", "seed"),
    "judge_made_rows": ("augment.{method}", *_JUDGED),
    "start_encoder": ("pretrain.{pretraining}", "seed"),
    "pretrain_encoder": ("pretrain.{pretraining}", "seed"),
    "tokenize_rows": ("models",),
    "train_fold": _MODEL,
    "train_span_fold": _MODEL,
    "train_joint_fold": _MODEL,
    "refit_fold": _MODEL,
    "refit_span_fold": _MODEL,
    "refit_joint_fold": _MODEL,
    "fuse_encoders": ("models.{model}.fuse",),
    "predict_rows": ("models.{model}",),
    "predict_questions": ("models.{model}",),
    "predict_unlabelled": ("models.{model}",),
    "label_test_rows": ("pseudo",),
    "answer_test_questions": ("pseudo", "tasks.{task}.pseudo"),
    "judge_round": _METRIC,
    "settle_rounds": _METRIC,
    "combine_members": _ENSEMBLE,
    "choose_ensemble": _ENSEMBLE,
    "combine_readers": (*_ENSEMBLE, *_TASK),
    "choose_reader_ensemble": (*_ENSEMBLE, *_TASK),
    "decide_labels": ("decision", *_METRIC),
    "decide_answers": ("decision", *_TASK),
    "score_all": ("ensemble.submit", "ensemble.methods", "pseudo.rounds", *_METRIC),
    "score_answers": ("ensemble.submit", "ensemble.methods", "pseudo.rounds", *_TASK),
    "score_competition": ("metric", "tasks"),
    "write_submission": _TASK,
    "pack_submission": (),
    "compare_parts": ("adversarial", "seed", *_DEALT),
    "weigh_score": ("adversarial", "seed", *_METRIC),
    "write_summary": ("competition", "folds.n", "models"),
    "gather_figures": ("models", "noise", "augment", "pseudo", *_TASK),
    "write_page": ("competition", "tasks", "folds.n"),
    "sum_up_competition": ("competition", "tasks"),
    "compare_with_holdout": _TASK,
    "check_competition": ("metric", "tasks"),
    "compare_answers_with_holdout": _TASK,
}
"""Blocks of the config that a rule's parameters come from, by rule; names in braces are told by the output's path."""


def names_in(output: str, config: Mapping[str, Any]) -> dict[str, str]:
    """Task, model, view, augmentation and pretraining that the path of an output names, of those in the config."""
    parts = re.split(r"[/.]", output)
    found: dict[str, str] = {}
    tasks = list(config.get("tasks", {}))
    named = [part for part in parts if part in tasks]
    if named or len(tasks) == 1:
        found["task"] = (named or tasks)[0]
    for part in parts:
        model = re.fullmatch(r"(.+)-s[0-9]+", part)
        if model and model[1] in config.get("models", {}):
            found["model"] = model[1]
    blocks = {
        "view": config.get("text", {}).get("views", {}),
        "method": config.get("augment", {}),
        "pretraining": config.get("pretrain", {}),
    }
    found |= {name: part for name, block in blocks.items() for part in parts[2:] if part in block}
    return found


def keys_of(
    rule: str, output: str, params: Mapping[str, Any], config: Mapping[str, Any]
) -> list[tuple[str, str | None, Any]]:
    """Return each single parameter of a job, the config's key that says so (None where none does), and its value.

    A key is named where it stands in one of the rule's blocks, is called like the parameter and has its value.
    """
    names = names_in(output, config)
    keys: dict[str, Any] = {}
    for block in BLOCKS.get(rule, ()):
        filled = re.sub(r"\{(\w+)\}", lambda match: names.get(match[1], ""), block)
        if ".." not in filled and not filled.endswith("."):
            keys |= dict(leaves(_at(config, filled), filled))
    found = []
    for name, value in leaves(params, ""):
        last = name.rpartition(".")[2]
        same = [key for key, said in keys.items() if key.rpartition(".")[2] == last and _equal(said, value)]
        found.append((name, _nearest(name, same), value))
    return found


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every value of nested mappings that is none itself (an empty one counts), with its dotted path."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else str(key))
    elif path:
        yield path, value


def _at(config: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(config, Mapping) or key not in config:
            return {}
        config = config[key]
    return config


def _nearest(name: str, keys: list[str]) -> str | None:
    """The key that shares the most words with the parameter's path; of equal ones the shortest."""
    words = set(name.split("."))
    return min(keys, key=lambda key: (-len(words & set(key.split("."))), len(key), key), default=None)


def _equal(one: Any, other: Any) -> bool:
    """Whether two plain values are the same; a list and a tuple may be, a number and a truth value are not."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return list(one) == list(other)
    return type(one) is type(other) and bool(one == other)

"""What the report's page is told of the config: which members are alike but for one key, and what each one reads."""

import json
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from podium.config import Config, Model
from podium.targets import AnyType

APART = {"seeds", "threads", "rounds", "tasks"}
"""Keys of a model that are no difference between two of them: who is compared is of one seed and round."""


def twins(models: Mapping[str, Model]) -> list[dict[str, str]]:
    """Return the pairs of models of one kind that differ in one key alone, with that ``key`` and both ``values``.

    ``first`` is the one with the key where the other is without (null, false, 0, an empty list), else the later one of
    the config's.
    """
    found = []
    for second, first in combinations(models, 2):
        if type(models[first]) is not type(models[second]):
            continue
        one, other = (models[name].model_dump(exclude=APART) for name in (first, second))
        keys = [key for key in one if one[key] != other[key]]
        if len(keys) == 1:
            key = keys[0]
            sides = [(first, one[key]), (second, other[key])]
            (name, value), (base, without) = sides[::-1] if sides[1][1] and not sides[0][1] else sides
            values = f"{_short(value)} beside {_short(without)}"
            found.append({"key": key, "first": name, "second": base, "values": values})
    return found


def readers(tables: Mapping[str, str]) -> dict[str, int]:
    """Return the members whose ``tables`` hold token ids, and which one of ``token_tables`` theirs is."""
    found = {member: folder for member, folder in tables.items() if folder.startswith("results/tokens/")}
    folders = sorted(set(found.values()))
    return {member: folders.index(folder) for member, folder in found.items()}


def reasons(config: Config, type: AnyType, *, judged: bool, trusted: bool) -> dict[str, str]:
    """Return why a stage has nothing to show, by its name."""
    found = {}
    if not judged:
        found["noise"] = {
            "span": "The labels of span tasks are not judged: answers are no classes.",
            "regression": "The labels of a regression are not judged: values are no classes.",
        }.get(type, "The labels of this task are not judged.")
    if not trusted:
        span = "Train and test are not compared for span tasks."
        found["adversarial"] = (
            span if type == "span" else "Train and test were not compared (adversarial.enabled: false)."
        )
    if not config.augment:
        found["augment"] = "No rows were made: the config has no augmentation (augment)."
    if not config.pseudo.rounds:
        found["pseudo"] = "No pseudo-labels were made (pseudo.rounds: 0)."
    return found


def _short(value: Any) -> str:
    """A value of the config as it stands there, not more than a line of it."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."

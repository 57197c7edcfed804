"""The comparison of several tasks' models: every variant is one that the engine takes."""

from pathlib import Path

import pytest

from bench.multitask import SMALL, TASKS, VARIANTS, _options, _shared
from podium.config import Transformer
from podium.config.multitask import Multitask
from podium.models import multitask, transformer
from podium.models.multitask_options import check

SPEC = {"epochs": 1.0, "rates": SMALL}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_what_its_keys_say(name: str) -> None:
    changes = {key: value for key, value in VARIANTS[name].items() if key != "who"}
    block = Multitask(kind="multitask", tasks=list(TASKS), **_shared(Path("encoder"), SPEC), **changes)
    options = _options(block, multitask.Options)
    check(options, [3, 15, 2])
    assert options.tasks == list(TASKS)
    assert options.mode == changes.get("mode", "heads")
    assert options.sampling == changes.get("sampling", options.sampling)
    assert changes.get("balance", {}).items() <= options.balance.items()
    assert (options.stopping is None) == ("stopping" not in changes)
    assert options.learning_rate == SMALL["learning_rate"]


def test_the_single_models_are_transformers_of_the_same_rates() -> None:
    options = _options(Transformer(kind="transformer", **_shared(Path("encoder"), SPEC)), transformer.Options)
    assert (options.learning_rate, options.layer_decay) == (SMALL["learning_rate"], SMALL["layer_decay"])

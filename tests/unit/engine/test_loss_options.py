"""Which losses and keys belong together."""

from typing import Any

import pytest
from loss_samples import CASES, KEYS, options

from podium.engine.loss_options import LOSSES, check

VALUES: dict[str, Any] = dict.fromkeys(KEYS, 0.5) | {"class_weight": "balanced"}
VALID: dict[tuple[Any, str], set[str]] = {
    ("single_label", "cross_entropy"): {"class_weight", "smoothing", "logit_adjustment"},
    ("single_label", "focal"): {"class_weight", "gamma"},
    ("single_label", "soft_f1"): set(),
    ("single_label", "symmetric"): {"alpha", "beta"},
    ("single_label", "generalized"): {"class_weight", "q"},
    ("single_label", "binary"): {"class_weight"},
    ("single_label", "corn"): {"class_weight"},
    ("multi_label", "binary"): set(),
    ("multi_label", "focal"): {"gamma"},
    ("multi_label", "soft_f1"): set(),
    ("regression", "mse"): set(),
    ("regression", "huber"): {"delta"},
}


@pytest.mark.parametrize("case", CASES)
def test_samples_are_valid(case: str) -> None:
    kind, chosen = CASES[case]
    assert check(chosen, kind, 4) == []


def test_each_loss_takes_its_keys_and_no_other() -> None:
    assert {(kind, name) for kind, names in LOSSES.items() for name in names} == set(VALID)
    for (kind, name), keys in VALID.items():
        chosen = {key: VALUES[key] for key in keys}
        assert check(options(name, **chosen), kind, 3) == []
        for key in set(KEYS) - keys:
            mistakes = check(options(name, **chosen, **{key: VALUES[key]}), kind, 3)
            assert [mistake.split(":")[0] for mistake in mistakes] == [key], (kind, name, key, mistakes)
        for key in keys - {"class_weight", "smoothing", "logit_adjustment"}:
            mistakes = check(options(name, **chosen | {key: None}), kind, 3)
            assert mistakes == [f"{key}: {name} needs it"]


@pytest.mark.parametrize(
    ("kind", "classes", "chosen", "words"),
    [
        ("single_label", 3, options("fokal"), "name: there is no loss 'fokal'; did you mean 'focal'?"),
        ("regression", 1, options("corn"), "name: corn is not for regression tasks; valid: mse, huber"),
        ("single_label", 1, options("soft_f1"), "name: soft_f1 needs at least 2 classes, found 1"),
        ("single_label", 3, options("focal", gamma=-1.0), "gamma: must be at least 0, found -1.0"),
        ("single_label", 3, options("focal", gamma=float("nan")), "gamma: must be at least 0, found nan"),
        ("single_label", 3, options("generalized", q=1.01), "q: must be above 0 and at most 1, found 1.01"),
        (
            *("single_label", 3, options("cross_entropy", smoothing=1.0)),
            "smoothing: must be at least 0 and below 1, found 1.0",
        ),
        ("regression", 1, options("huber", delta=float("inf")), "delta: must be above 0, found inf"),
        (
            *("single_label", 3, options("symmetric", alpha=0.0, beta=0.0)),
            "alpha: alpha and beta are both 0, so that nothing is learnt; set one above 0",
        ),
        (
            *("single_label", 3, options("binary", class_weight="balance")),
            "class_weight: found 'balance'; did you mean 'balanced'?",
        ),
        (
            *("single_label", 3, options("binary", class_weight="effective")),
            "effective_beta: binary needs it",
        ),
        (
            *("single_label", 3, options("binary", effective_beta=0.9)),
            "effective_beta: belongs to class_weight: effective; leave it out",
        ),
        (
            *("multi_label", 3, options("binary", class_weight="balanced")),
            "class_weight: is for single_label tasks, not for multi_label; leave it out",
        ),
    ],
)
def test_mistakes_are_said_in_plain_words(kind: Any, classes: int, chosen: Any, words: str) -> None:
    assert check(chosen, kind, classes) == [words]

"""Causes that stand in the config: rates, steps and the like outside of what is usual."""

from pathlib import Path
from typing import Any

import pytest
from diagnose_samples import Project

from podium.diagnose.causes_config import ENCODERS, LORA, OTHERS, Usual, encoder_range
from podium.files import write_json


@pytest.mark.parametrize(
    ("hidden", "published"),
    [
        (1024, [5e-6, 1e-5, 2e-5, 3e-5, 5e-5]),  # DeBERTa, RoBERTa, BERT, ELECTRA: large
        (768, [2e-5, 3e-5, 5e-5, 1e-4]),  # BERT, RoBERTa, ELECTRA: base
        (512, [3e-5, 5e-5, 1e-4, 3e-4]),  # compact BERTs
        (384, [3e-5, 1e-4, 3e-4]),
        (256, [3e-5, 1e-4, 3e-4]),  # ELECTRA-small
        (128, [3e-5, 1e-4, 3e-4]),
    ],
)
def test_published_rates_are_usual(hidden: int, published: list[float]) -> None:
    assert all(encoder_range(hidden).outside(rate) <= 1 for rate in published)


def test_ranges_are_wider_for_smaller_networks() -> None:
    highest = [usual.high for _, usual in ENCODERS]
    assert highest == sorted(highest)
    assert all(
        usual.low < usual.high for usual in [*(range for _, range in ENCODERS), LORA, *OTHERS.values()]
    )
    assert Usual(1.0, 4.0, "").outside(8.0) == 2
    assert Usual(1.0, 4.0, "").outside(0.25) == 4


@pytest.mark.parametrize(
    ("kind", "keys", "severity"),
    [
        ("transformer", {"learning_rate": 5e-3, "head_learning_rate": 5e-3}, None),
        ("transformer", {"learning_rate": 6e-3, "head_learning_rate": 6e-3}, "possible"),
        ("transformer", {"learning_rate": 2e-2, "head_learning_rate": 1e-2}, "likely"),
        ("transformer", {"learning_rate": 6e-2, "head_learning_rate": 1e-2}, "severe"),
        ("transformer", {"learning_rate": 1e-6}, "severe"),
        ("transformer", {"learning_rate": 2e-5, "lora": {"rank": 2}}, "likely"),
        ("transformer", {"learning_rate": 5e-4, "lora": {"rank": 2}}, None),
        ("textcnn", {"learning_rate": 0.2}, "severe"),
        ("fasttext", {"learning_rate": 5.0}, "likely"),
        ("lightgbm", {"learning_rate": 1.0}, "likely"),
    ],
)
def test_the_learning_rate(
    tmp_path: Path, encoder: Path, kind: str, keys: dict[str, Any], severity: str | None
) -> None:
    found = Project(tmp_path, encoder, kind, **keys).causes()
    assert set(found) == ({"learning_rate"} if severity else set())
    if severity:
        assert found["learning_rate"].severity == severity
        assert "models.m.learning_rate" in found["learning_rate"].advice


@pytest.mark.parametrize(
    ("keys", "cause"),
    [
        ({"head_learning_rate": 1e-3}, None),
        ({"head_learning_rate": 9e-4}, "head_learning_rate"),  # below the encoder's
        ({"head_learning_rate": 2e-2}, "head_learning_rate"),
        ({"layer_decay": 0.7}, None),
        ({"layer_decay": 0.69}, "layer_decay"),
        ({"freeze_layers": 1}, None),
        ({"freeze_layers": 2}, "frozen_layers"),
        ({"warmup": 0.3}, None),
        ({"warmup": 0.31}, "warmup"),
        ({"steps": 100}, None),
        ({"steps": 99}, "too_few_steps"),
        ({"epochs": 4.9}, "too_few_steps"),  # 20 steps each
        ({"epochs": 5}, None),
        ({"epochs": 5, "batch_size": 16}, "too_few_steps"),
    ],
)
def test_other_keys(tmp_path: Path, encoder: Path, keys: dict[str, Any], cause: str | None) -> None:
    assert set(Project(tmp_path, encoder, **keys).causes()) == ({cause} if cause else set())


@pytest.mark.parametrize(("steps", "severity"), [(39, "likely"), (40, "possible")])
def test_very_few_steps(tmp_path: Path, encoder: Path, steps: int, severity: str) -> None:
    assert Project(tmp_path, encoder, steps=steps).causes()["too_few_steps"].severity == severity


@pytest.mark.parametrize(("warmup", "severity"), [(0.5, "possible"), (0.6, "likely")])
def test_much_warmup(tmp_path: Path, encoder: Path, warmup: float, severity: str) -> None:
    found = Project(tmp_path, encoder, warmup=warmup).causes()["warmup"]
    assert found.severity == severity
    assert f"{round(160 * warmup)} of 160 steps" in found.figure


@pytest.mark.parametrize(("trees", "named"), [(20, False), (19, True)])
def test_few_trees(tmp_path: Path, trees: int, named: bool) -> None:
    assert ("too_few_steps" in Project(tmp_path, None, "lightgbm", trees=trees).causes()) == named


def test_steps_of_batches_of_tokens(tmp_path: Path, encoder: Path) -> None:
    """About 8 words a row, so 64 tokens are some 8 rows and 500 some 60."""
    assert Project(tmp_path, encoder, batch_tokens=64).causes() == {}
    assert "too_few_steps" in Project(tmp_path, encoder, batch_tokens=500).causes()


@pytest.mark.parametrize(
    ("length", "pretraining", "named"),
    [
        (64, {"scratch": {}, "max_length": 64}, False),
        (65, {"scratch": {}, "max_length": 64}, True),
        (65, {"scratch": {}, "max_length": 64, "steps": 0}, False),  # nothing was learned of any place
        (65, {"encoder": "org/bert", "max_length": 64}, False),  # its own pretraining knew them
    ],
)
def test_places_that_a_new_network_never_read(
    tmp_path: Path, length: int, pretraining: dict[str, Any], named: bool
) -> None:
    project = Project(tmp_path, None, max_length=length)
    project.raw["models"]["m"]["encoder"] = "pretrain/new"
    project.raw["pretrain"] = {"new": pretraining}
    found = project.causes()
    assert ("untrained_places" in found) == named
    if named:
        assert "models.m.max_length to 64" in found["untrained_places"].advice


@pytest.mark.parametrize(
    ("perplexity", "changed", "named"),
    [
        (501.0, {}, True),
        (500.0, {}, False),
        (501.0, {"objective": "rtd"}, False),
        (501.0, {"steps": 0}, False),
    ],
)
def test_an_encoder_that_hardly_learned(
    tmp_path: Path, perplexity: float, changed: dict[str, Any], named: bool
) -> None:
    project = Project(tmp_path, None)
    project.raw["models"]["m"]["encoder"] = "pretrain/new"
    project.raw["pretrain"] = {"new": {"scratch": {}}}
    facts = {"name": "new", "objective": "mlm", "steps": 9, "frequencies": 1000.0}
    written = facts | {"first": None, "last": {"perplexity": perplexity}} | changed
    write_json(written, tmp_path / "results/pretrain/new/facts.json")
    found = project.causes()
    assert ("untrained_encoder" in found) == named
    if named:
        assert "pretrain.new ended at a perplexity of 501.0" in found["untrained_encoder"].figure

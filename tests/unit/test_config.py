"""Every default in the config is valid by its own limits, and the schema says the same as the classes."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from podium.config import KINDS, Config, member_names, schema
from podium.validation import load

ROOT = Path(__file__).parents[2]
SHIPPED = sorted([ROOT / "config.yaml", *(ROOT / "competitions").glob("*.yaml")])
SMALLEST: dict[str, Any] = {
    "competition": "c",
    "tasks": {"t": {"train": "a.csv", "test": "b.csv", "text": ["x"], "target": "y"}},
    "models": {"m": {"kind": "linear"}},
    "ensemble": {},
}


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_configs_load_by_themselves_and_fit_the_schema(path: Path) -> None:
    raw = read(path)
    assert load(raw).competition == path.stem or path.name == "config.yaml"
    jsonschema.validate(raw, schema())


def test_defaults_pass_their_own_limits() -> None:
    """Pydantic does not check defaults, so a config with all of them written out is loaded once more."""
    raw = {**SMALLEST, "augment": {"e": {"kind": "eda"}}}
    raw["tasks"] = {name: next(iter(raw["tasks"].values())) for name in ("a", "b")}
    raw["tasks"]["c"] = {"type": "span", "train": "a.json", "test": "b.json"}
    raw["models"] = {kind: {"kind": kind} for kind in KINDS}
    for kind in ("transformer", "multitask", "reader"):
        raw["models"][kind]["encoder"] = "data/encoder"
    written_out = load(raw).model_dump()
    assert written_out["models"]["linear"]["tfidf"]["word_ngrams"] == [1, 2]
    assert load(written_out) == load(raw)
    jsonschema.validate(written_out, schema())


def test_schema_is_closed_everywhere_and_describes_every_block() -> None:
    described = schema()
    for name, block in {"Config": described, **described["$defs"]}.items():
        assert block["additionalProperties"] is False, name
        assert block["description"], name
    raw = {**SMALLEST, "models": {"m": {"kind": "linear", "cc": 1}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(raw, described)


def test_members_are_models_times_seeds_in_order() -> None:
    models = {"b": {"kind": "lightgbm", "seeds": [3, 0]}, "a": {"kind": "linear"}}
    assert member_names(Config.model_validate({**SMALLEST, "models": models})) == ["b-s3", "b-s0", "a-s0"]

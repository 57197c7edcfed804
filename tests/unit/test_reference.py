"""What is written from the config's classes is current."""

from pathlib import Path

import pytest
import yaml

from podium import environment, reference
from podium.__main__ import main
from podium.commands.config import effective
from podium.config import schema
from podium.files import read_json

ROOT = Path(__file__).parents[2]


def test_schema_is_current() -> None:
    assert read_json(ROOT / "workflow/schemas/config.schema.json") == schema(), "run `make generated`"


def test_reference_is_current_and_names_every_key() -> None:
    text = (ROOT / "docs/config.md").read_text(encoding="utf-8")
    assert text == reference.render(), "run `make generated`"
    for block in schema()["$defs"].values():
        for key in block.get("properties", {}):
            assert f"`{key}`" in text


def test_conda_environment_is_current() -> None:
    written = (ROOT / "envs/cpu.yaml").read_text(encoding="utf-8")
    assert written == environment.render(ROOT / "envs"), "run `make generated`"
    assert "torch==2.13.0" in written


def test_effective_config_is_a_fixed_point(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Printing the effective config of the printed config changes nothing, and layers win over what is below."""
    once = effective([ROOT / "config.yaml"])
    written, layer = tmp_path / "config.yaml", tmp_path / "layer.yaml"
    written.write_text(once, encoding="utf-8")
    assert effective([written]) == once
    layer.write_text("folds: {n: 4}\n", encoding="utf-8")
    layered = yaml.safe_load(effective([written, layer]))
    expected = yaml.safe_load(once)
    expected["folds"]["n"] = 4
    assert layered == expected


def test_a_mistake_is_one_line_and_status_1(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1", encoding="utf-8")
    with pytest.raises(SystemExit) as raised:
        main(["config", str(broken)])
    assert str(raised.value).startswith("podium: ")
    assert len(str(raised.value).splitlines()) == 1

"""The profiles name rules that there are, and agree on what makes a result old."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SHARED = [
    "rerun-triggers",
    "rerun-incomplete",
    "nolock",
    "show-failed-logs",
    "keep-going",
    "printshellcmds",
    "quiet",
]
RULES = {
    name: body
    for path in sorted((ROOT / "workflow/rules").glob("*.smk"))
    for name, body in re.findall(
        r"^ *(?:rule|checkpoint) (\w+):\n(.*?)(?=^ *(?:rule|checkpoint) |\Z)",
        path.read_text("utf-8"),
        re.M | re.S,
    )
}


def profile(name: str) -> dict[str, object]:
    return dict(yaml.safe_load((ROOT / f"profiles/{name}/config.yaml").read_text("utf-8")))


@pytest.mark.parametrize("name", ["slurm", "kubernetes"])
def test_a_clusters_profile_fits_the_rules(name: str) -> None:
    found, default = profile(name), profile("default")
    assert {key: found[key] for key in SHARED} == {key: default[key] for key in SHARED}
    resources = found["set-resources"]
    assert isinstance(resources, dict)
    assert resources.keys() <= RULES.keys()
    leased = {rule for rule, body in RULES.items() if re.search(r"^ *gpu=", body, re.M)}
    assert len(leased) > 5
    assert leased <= resources.keys()


def test_the_image_of_pods_has_the_programs_of_the_docs_and_does_not_run_as_root() -> None:
    image = (ROOT / "profiles/kubernetes/Dockerfile").read_text("utf-8")
    docs = (ROOT / "docs/back_translation.md").read_text("utf-8")
    (programs,) = re.findall(r"apt-get install (apertium[^`]*)`", docs)
    assert programs in image
    assert "rm -rf /var/lib/apt/lists" in image
    user = re.findall(r"^USER (\S+)$", image, re.M)
    assert user
    assert user[-1] not in ("root", "0")

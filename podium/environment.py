"""The conda environment file, written from the requirements and the constraints."""

from pathlib import Path

HEADER = """# Conda environment of every rule (`snakemake --software-deployment-method conda`), for CPU and GPU
# machines: the pin of torch gives the build of the package index that is set up. Written by `make generated` from
# requirements.txt and constraints.txt; the pins stand here in full, so that a changed pin makes a new environment.
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def render(folder: Path) -> str:
    """The environment file for ``folder`` with ``requirements.txt`` and ``constraints.txt``."""
    pins = dict(line.split("==") for line in _lines(folder / "constraints.txt"))
    named = {name.casefold(): f"{name}=={version}" for name, version in pins.items()}
    return HEADER + "".join(
        f"      - {named[name.casefold()]}\n" for name in _lines(folder / "requirements.txt")
    )


def required(folder: Path) -> list[str]:
    """The names in ``requirements.txt`` of ``folder``: the libraries that the workflow itself imports."""
    return _lines(folder / "requirements.txt")


def _lines(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]

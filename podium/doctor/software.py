"""Python, packages and programs: what is installed against what is pinned and what the config needs."""

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from podium.config.augment import BackTranslation
from podium.doctor.check import Check, error, ok, warning
from podium.errors import UserError
from podium.plans import Plans

PYTHON = (3, 11)
_INSTALL = "python -m pip install --requirement envs/{file} --constraint envs/constraints.txt"
_SHOWN = 6


def python_version(found: tuple[int, int, int]) -> Iterator[Check]:
    """Yield a line on the version of Python."""
    name = ".".join(map(str, found))
    if found[:2] < PYTHON:
        wanted = ".".join(map(str, PYTHON))
        yield error(
            "python", f"Python {name} is too old", f"make an environment with Python {wanted} or newer"
        )
    else:
        yield ok("python", f"{name} ({sys.executable})")


def lines_of(path: Path) -> list[str]:
    """Lines of a requirements file without comments."""
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def installed(name: str) -> str | None:
    """The version of an installed package; None where there is none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def packages(envs: Path, extras: Mapping[str, str]) -> Iterator[Check]:
    """Yield lines on what is missing and what differs from the pins in ``envs``.

    ``extras`` are files of optional packages that the config needs, each with what needs it.
    """
    pins = {
        _plain(name): pin
        for name, _, pin in (line.partition("==") for line in lines_of(envs / "constraints.txt"))
    }
    wanted = dict.fromkeys(lines_of(envs / "requirements.txt"), "requirements.txt")
    wanted |= {name: file for file in extras for name in lines_of(envs / file)}
    missing = {name: file for name, file in wanted.items() if installed(name) is None}
    for file in dict.fromkeys(missing.values()):
        names = ", ".join(sorted(name for name, own in missing.items() if own == file))
        why = f", which {extras[file]} needs" if file in extras else ""
        yield error("packages", f"not installed: {names}{why}", _INSTALL.format(file=file))
    found = {name: installed(name) for name in pins}
    differing = [
        f"{name} {own} (pinned {pins[name]})"
        for name, own in sorted(found.items())
        if own is not None and own.partition("+")[0] != pins[name].partition("+")[0]
    ]
    if differing:
        more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        told = f"off the pins of envs/constraints.txt: {', '.join(differing[:_SHOWN])}{more}"
        yield warning(
            "packages", told, f"{_INSTALL.format(file='requirements.txt')}; results may differ otherwise"
        )
    if not missing and not differing:
        yield ok("packages", f"{sum(own is not None for own in found.values())} packages, all as pinned")


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def extras_of(plans: Plans) -> dict[str, str]:
    """Files in ``envs/`` that the config needs beside the requirements, each with the key that needs it."""
    found: dict[str, str] = {}
    for name, model in plans.config.models.items():
        if getattr(model, "lora", None) is not None:
            found.setdefault("lora.txt", f"models.{name}.lora")
    for name, block in plans.config.augment.items():
        if isinstance(block, BackTranslation) and block.engine != "apertium":
            found.setdefault("translate.txt", f"augment.{name}")
    return found


def programs(plans: Plans) -> Iterator[Check]:
    """Yield lines on programs of the system that the config needs, asked for as the augmentation itself does."""
    from podium.augment.back_translation import own_code
    from podium.translation.apertium import Apertium

    for task, plan in plans.items():
        for name, block in plan.config.augment.items():
            if not isinstance(block, BackTranslation) or block.engine != "apertium":
                continue
            own = block.language_code or own_code(block.engine, plan.language)
            try:
                for code in block.through:
                    for ends in ((own, code), (code, own)):
                        Apertium(*ends, threads=1)
                yield ok("programs", f"{task}: apertium has the directions of augment.{name}")
            except UserError as told:
                what, _, mend = str(told).rpartition("; ")
                yield error(
                    "programs", f"{task}: augment.{name}: {what or told}", mend or "reinstall apertium"
                )

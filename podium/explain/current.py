"""Whether outputs would be made again: Snakemake's own word, from ``snakemake --summary``."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_WORDS = {
    "missing": "it is missing",
    "updated input files": "input files are newer, or will be made again",
    "set of input files changed": "it would be made of other input files",
    "params changed": "its keys of the config, or the code, are others now",
    "rule implementation changed": "its rule is another now",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency:
    """What the next run would do.

    ``again`` names the outputs asked about that would be made again, with the reason; ``before`` others that would be,
    on the way to them. ``unknown``: why it could not be told, None where it could.
    """

    again: dict[str, str]
    before: list[str]
    unknown: str | None


def currency(root: Path, outputs: Sequence[str], *, config_files: Sequence[str]) -> Currency:
    """Ask Snakemake in the folder ``root`` about ``outputs``; ``config_files`` are those that its run is given."""
    if not (root / "Snakefile").is_file():
        return _unknown(f"there is no Snakefile in {root}")
    given = ["--configfile", *config_files] if config_files else []
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *given, "--summary", "--", *outputs]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    rows = [row for row in rows if len(row) == 6 and row[0] != "output_file"]
    if done.returncode or not rows:
        return _unknown(_last_words(done.stderr + done.stdout))
    told = {name: _WORDS.get(status, status) for name, _, _, _, status, plan in rows if plan != "no update"}
    lacking = [output for output in outputs if output not in {row[0] for row in rows}]
    if lacking:
        return _unknown(f"the config as it is now makes no {lacking[0]}")
    again = {name: _reason(why) for name, why in told.items() if name in set(outputs)}
    return Currency(again=again, before=[name for name in told if name not in again], unknown=None)


def _reason(status: str) -> str:
    return "what it is made of will be made again" if status == "ok" else status


def _unknown(why: str) -> Currency:
    return Currency(again={}, before=[], unknown=why)


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("podium: ")]
    if told:
        return told[0].removeprefix("podium: ")
    missing = [line for line in lines if "MissingRuleException" in line or "No rule to produce" in line]
    return (
        "the config as it is now makes no such file" if missing else (lines or ["Snakemake said nothing"])[-1]
    )

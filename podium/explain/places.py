"""Where a run's tables of a task lie, and which of them there are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from podium.files import read_json
from podium.predict import PREFIX, VALUE_PREFIX


class Trained(NamedTuple):
    """The table of rows that a training was of."""

    member: str
    round: int
    fold: int
    refit: bool
    joint: bool
    path: Path


class Predicted(NamedTuple):
    """A folder of predictions, of a member in a round or of an ensemble."""

    what: str
    name: str
    round: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Places:
    """The tables of one task in the folder ``results`` of a run; ``config`` is the effective one, or empty.

    Nothing removes what an earlier config left there: members, folds, rounds and augmentations that ``config`` does not
    have are passed over, and ``left_out`` names those that were.
    """

    results: Path
    task: str
    config: dict[str, Any]
    left_out: set[str] = field(default_factory=set, compare=False)

    @property
    def ingested(self) -> dict[str, Path]:
        """The tables of rows by part: train, test, and each file beside them."""
        folder = self.results / "ingest" / self.task
        return {path.stem: path for path in sorted(folder.glob("*.parquet"))}

    @property
    def made(self) -> dict[str, Path]:
        """The tables of made rows by augmentation."""
        folder, known = self.results / "augment" / self.task, self.config.get("augment")
        paths = {path.stem: path for path in sorted(folder.glob("*.parquet"))}
        return {
            name: path for name, path in paths.items() if self._asked(name, known is None or name in known)
        }

    @property
    def type(self) -> str:
        """Type of the task: the config's, else as its predictions look."""
        block = self.config.get("tasks", {}).get(self.task)
        if block is not None:
            return str(block["type"])
        for found in self.predicted():
            path = found.folder / "oof.parquet"
            if path.is_file():
                return _type_of(path)
        return "single_label"

    @property
    def metric(self) -> str | None:
        """The task's metric, as the table of scores has it; None where there is none yet."""
        facts = self.facts()
        return str(facts["chosen"]["metric"]) if facts else None

    def facts(self) -> dict[str, Any]:
        """What ``scores.json`` says of the task; empty where there is none."""
        for path in (self.results / "scores.json", self.results / f"scores/{self.task}.json"):
            if path.is_file():
                facts: dict[str, Any] = read_json(path)
                facts = facts.get("tasks", {self.task: facts}).get(self.task, {})
                if facts.get("task") == self.task:
                    return facts
        return {}

    def labels(self) -> list[str]:
        """Names of classes or value columns, in their order; none where there is no list of them."""
        path = self.results / "ingest" / self.task / "labels.json"
        return list(read_json(path)) if path.is_file() else []

    def views(self) -> dict[str, Path]:
        """Folders of the text views by name."""
        folder = self.results / "text" / self.task
        return {path.name: path for path in sorted(folder.glob("*")) if path.is_dir()}

    def folds_of(self, folder: str) -> dict[int, Path]:
        """Tables ``foldK.parquet`` in a folder of the results, by fold."""
        found = {}
        for path in (self.results / folder).glob("fold*.parquet"):
            if path.stem[4:].isdigit() and self._has_fold(int(path.stem[4:])):
                found[int(path.stem[4:])] = path
        return dict(sorted(found.items()))

    def _asked(self, name: str, asked: bool) -> bool:
        """Whether the config has something of this ``name``; what it does not have is noted."""
        if not asked:
            self.left_out.add(name)
        return asked

    def _has_fold(self, fold: int) -> bool:
        count = self.config.get("folds", {}).get("n")
        return self._asked(f"fold {fold}", count is None or fold < count)

    def _has_round(self, name: str) -> bool:
        """Of a round's number as text; other words are no rounds."""
        most = self.config.get("pseudo", {}).get("rounds")
        return self._asked(f"round {name}", most is None or not name.isdigit() or int(name) <= most)

    def _has_member(self, name: str) -> bool:
        models = self.config.get("models")
        members = {
            f"{model}-s{seed}"
            for model, block in (models or {}).items()
            for seed in block.get("seeds") or [0]
        }
        return self._asked(name, not models or name in members)

    def trained(self) -> Iterator[Trained]:
        """Every table of rows that a model was trained on."""
        for joint, folder in ((False, f"train/{self.task}"), (True, "joint")):
            for path in sorted((self.results / folder).glob("*/round*/fold*/*_on.parquet")):
                number, fold = (re.sub(r"\D", "", part) for part in (path.parts[-3], path.parts[-2]))
                if not (number and fold and path.stem in ("trained_on", "refit_on")):
                    continue
                member, refit = path.parts[-4], path.stem == "refit_on"
                if self._has_member(member) and self._has_round(number) and self._has_fold(int(fold)):
                    yield Trained(member, int(number), int(fold), refit, joint, path)

    def predicted(self) -> Iterator[Predicted]:
        """Every folder of predictions: members by round, then ensembles in the order of the scores."""
        for folder in sorted((self.results / "predict" / self.task).glob("*/*")):
            member, number = folder.parts[-2], folder.name.removeprefix("round")
            if folder.is_dir() and self._has_member(member) and self._has_round(number):
                yield Predicted("member", member, number, folder)
        ranks = [row["name"] for row in self.facts().get("rows", []) if row["what"] == "ensemble"]
        ensembles = sorted((self.results / "ensemble" / self.task).glob("*"))
        for folder in sorted(
            ensembles, key=lambda path: ranks.index(path.name) if path.name in ranks else len(ranks)
        ):
            if folder.is_dir():
                yield Predicted("ensemble", folder.name, "", folder)


def tasks_of(results: Path) -> list[str]:
    """The tasks that a run has rows of."""
    return [path.name for path in sorted((results / "ingest").glob("*")) if path.is_dir()]


def _type_of(path: Path) -> str:
    names = pq.read_schema(path).names
    if "places" in names:
        return "span"
    if any(name.startswith(VALUE_PREFIX) for name in names):
        return "regression"
    classes = [name for name in names if name.startswith(PREFIX)]
    with pq.ParquetFile(path) as source:
        first = next(source.iter_batches(64, columns=classes), None)
    sums = [] if first is None else first.to_pandas().sum(axis=1).tolist()
    return "single_label" if all(abs(total - 1) < 1e-2 for total in sums) else "multi_label"

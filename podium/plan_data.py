"""What the config means for the stages that make data: ingest, text views, folds, noise, augmentations."""

from pathlib import Path
from typing import Any

from podium.config import Config
from podium.rerun import digest
from podium.targets import TaskType

WORDNET = "data/wordnet"
INGESTED = {"id", "text", "type", "target", "label_separator"}  # keys that tell a file's columns


class DataPlan:
    """The part of the plan that needs no model; ``root`` is the folder of the Snakefile."""

    def __init__(self, config: Config, root: Path) -> None:
        self.config, self.root = config, root
        self.task = next(iter(config.tasks))

    @property
    def language(self) -> str:
        """Language of the task's text."""
        return self.config.tasks[self.task].language

    @property
    def judged(self) -> list[str]:
        """Tasks whose labels the noise stage can judge."""
        return [name for name, task in self.config.tasks.items() if task.type == "single_label"]

    @property
    def type(self) -> TaskType:
        """Type of the task."""
        return self.config.tasks[self.task].type

    def code(self, script: str, *modules: str) -> str:
        """Digest of a rule's code: its script, and modules that the script's imports do not name."""
        return digest(self.root, f"scripts/{script}.py", *modules)

    def wordnet(self, view: str) -> list[str]:
        """The WordNet files that a text view needs."""
        needed = "lemmas" in self.config.text.views[view] and self.language == "en"
        return [f"{WORDNET}/corpora/wordnet/data.noun"] if needed else []

    def ingest(self) -> dict[str, Any]:
        """Parameters of rule ingest_train."""
        task = self.config.tasks[self.task]
        return task.model_dump(include={*INGESTED, "group", "encoding", "separator"})

    def ingest_test(self) -> dict[str, Any]:
        """Parameters of rule ingest_test."""
        task = self.config.tasks[self.task]
        return task.model_dump(include={"id", "text", "encoding", "separator"})

    def text(self, view: str) -> dict[str, Any]:
        """Parameters of rule normalise_text."""
        return {"steps": list(self.config.text.views[view]), "language": self.language}

    def make_folds(self) -> dict[str, Any]:
        """Parameters of rule deal_folds."""
        folds = self.config.folds
        seed = self.config.seed if folds.seed is None else folds.seed
        return {"n": folds.n, "seed": seed, "near_duplicates": folds.near_duplicates, "type": self.type}

    def noise(self, fold: int) -> dict[str, Any]:
        """Parameters of rule judge_labels."""
        block = self.config.noise.model_dump(exclude={"view"})
        return {"fold": fold, **block, "seed": self.config.seed}

    def augment(self, method: str) -> dict[str, Any]:
        """Parameters of rule augment_rows."""
        return {"method": method, **self.config.augment[method].model_dump(), "seed": self.config.seed}

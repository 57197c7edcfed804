"""What the config means for the stages that make data: ingest, text views, folds, noise, augmentations."""

from pathlib import Path
from typing import Any

from podium.config import Config, Task
from podium.config.external import External, Unlabelled
from podium.errors import UserError, hint
from podium.plan_augment import WORDNET, AugmentPlan
from podium.rerun import digest
from podium.targets import TaskType

INGESTED = {"id", "text", "type", "target", "label_separator"}  # keys that tell a file's columns


class DataPlan(AugmentPlan):
    """The part of the plan that needs no model; ``root`` is the folder of the Snakefile.

    ``config`` is of one task (``podium.task_configs``); ``whole`` is that of the competition, where it has several.
    """

    def __init__(self, config: Config, root: Path, whole: Config | None = None) -> None:
        self.config, self.root = config, root
        self.whole = config if whole is None else whole
        self.task = next(iter(config.tasks))

    @property
    def language(self) -> str:
        """Language of the task's text."""
        return self.config.tasks[self.task].language

    @property
    def judged(self) -> list[str]:
        """Tasks whose labels the noise stage can judge."""
        return [name for name, task in self.config.tasks.items() if task.type != "regression"]

    @property
    def type(self) -> TaskType:
        """Type of the task."""
        return self.labelled_task.type

    @property
    def labelled_task(self) -> Task:
        """The config block of the task; span tasks have a plan of their own."""
        task = self.config.tasks[self.task]
        assert isinstance(task, Task)
        return task

    def code(self, script: str, *modules: str) -> str:
        """Digest of a rule's code: its script, and modules that the script's imports do not name."""
        return digest(self.root, f"scripts/{script}.py", *modules)

    def wordnet(self, view: str) -> list[str]:
        """The WordNet files that a text view needs."""
        names = [step.name for step in self.config.text.steps(view)]
        needed = "lemmas" in names and self.language == "en"
        return [f"{WORDNET}/corpora/wordnet/data.noun"] if needed else []

    def ingest(self) -> dict[str, Any]:
        """Parameters of rule ingest_train."""
        task = self.labelled_task
        return task.model_dump(include={*INGESTED, "group", "encoding", "separator", "columns"})

    def ingest_test(self) -> dict[str, Any]:
        """Parameters of rule ingest_test."""
        task = self.labelled_task
        return task.model_dump(include={"id", "text", "encoding", "separator", "columns"})

    def external_names(self) -> list[str]:
        """Names of the labelled files beside train."""
        return list(self.config.tasks[self.task].external)

    def unlabelled_names(self) -> list[str]:
        """Names of the files without labels beside test."""
        return list(self.config.tasks[self.task].unlabelled)

    def other_names(self) -> list[str]:
        """Names of all files beside train and test."""
        return [*self.external_names(), *self.unlabelled_names()]

    def other_file(self, name: str) -> Unlabelled:
        """The config block of an external or unlabelled file; raise ``UserError`` where there is none."""
        task = self.labelled_task
        found = task.external.get(name) or task.unlabelled.get(name)
        if found is None:
            raise UserError(f"tasks.{self.task}: there is no file '{name}'; {hint(name, self.other_names())}")
        return found

    def other_form(self, name: str) -> dict[str, Any]:
        """Where such a file has its ids, texts and labels; what it does not say is as the task's."""
        return self.ingest_external(name) if name in self.external_names() else self.ingest_unlabelled(name)

    def ingest_external(self, name: str) -> dict[str, Any]:
        """Parameters of rule ingest_external."""
        task = self.labelled_task
        block = task.external[name]
        return {
            "where": f"tasks.{self.task}.external.{name}",
            **_form(task, block),
            "type": task.type,
            "target": block.target or task.target,
            "label_separator": block.label_separator or task.label_separator,
            "label_map": dict(block.labels),
        }

    def ingest_unlabelled(self, name: str) -> dict[str, Any]:
        """Parameters of rule ingest_unlabelled."""
        task = self.labelled_task
        return {"where": f"tasks.{self.task}.unlabelled.{name}", **_form(task, task.unlabelled[name])}

    def place_external(self, name: str) -> dict[str, Any]:
        """Parameters of rule place_external."""
        block = self.other_file(name)
        weight = block.weight if isinstance(block, External) else None
        dealt = self.make_folds()
        return {**{key: dealt[key] for key in ("seed", "near_duplicates")}, "weight": weight}

    def text(self, view: str) -> dict[str, Any]:
        """Parameters of rule normalise_text."""
        steps = [{"step": step.name, **step.options} for step in self.config.text.steps(view)]
        return {"steps": steps, "language": self.language}

    def text_changes(self, view: str) -> dict[str, Any]:
        """Parameters of rule show_changes."""
        return {**self.text(view), "samples": self.config.text.samples}

    def make_folds(self) -> dict[str, Any]:
        """Parameters of rule deal_folds."""
        return {**self.dealing(), "type": self.type}

    def dealing(self) -> dict[str, Any]:
        """How rows are dealt, whatever they are."""
        folds = self.config.folds
        seed = self.config.seed if folds.seed is None else folds.seed
        return {"n": folds.n, "seed": seed, "near_duplicates": folds.near_duplicates}


def _form(task: Task, block: Unlabelled) -> dict[str, Any]:
    """Where a file beside train and test has its ids and texts."""
    shared = {key: getattr(block, key) or getattr(task, key) for key in ("text", "encoding", "separator")}
    return {"id": block.id, "task_id": task.id, "columns": block.columns, **shared}

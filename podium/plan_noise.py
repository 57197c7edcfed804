"""What the config means for stage noise: who judges labels, from which tables, by which rules."""

from typing import TYPE_CHECKING, Any

from podium.config import Task
from podium.files import is_file
from podium.noise import BUILT_IN, LINEAR
from podium.plan_pretrain import PretrainPlan

RULES = ("filter_by", "margin", "score", "max_share", "class_max_share", "min_rows", "relabel_confidence")


class NoisePlan(PretrainPlan):
    """The part of the plan that is about doubtful labels; a judge is a configured model or the built-in one."""

    if TYPE_CHECKING:  # what the plan says of members

        def train(self, member: str, number: int, fold: int) -> dict[str, Any]: ...  # noqa: D102
        def tables(self, member: str) -> str: ...  # noqa: D102
        def encoder_files(self, member: str) -> list[str]: ...  # noqa: D102
        def training_gpus(self, member: str) -> int: ...  # noqa: D102
        def code_of_kind(self, script: str, member: str) -> str: ...  # noqa: D102

    def judges(self) -> list[str]:
        """Whose probabilities are averaged."""
        return list(self.config.noise.models or [BUILT_IN])

    def judging_member(self, judge: str) -> str | None:
        """The member that a judge is, with its first seed; None for the built-in model."""
        return None if judge == BUILT_IN else f"{judge}-s{self.config.models[judge].seeds[0]}"

    def judging_files(self, fold: int) -> list[str]:
        """The judges' probabilities for a fold's verdicts."""
        split = f"fold{fold}" if self.config.noise.mode == "nested" else "all"
        return [f"results/noise/{self.task}/proba/{judge}/{split}.parquet" for judge in self.judges()]

    def judge_tables(self, judge: str) -> str:
        """Folder of the tables that a judge reads its rows from."""
        member = self.judging_member(judge)
        return f"results/text/{self.task}/{self.config.noise.view}" if member is None else self.tables(member)

    def judge_encoder(self, judge: str) -> list[str]:
        """What a judge needs of its encoder or word vectors."""
        member = self.judging_member(judge)
        return [] if member is None else self.encoder_files(member)

    def judge_gpus(self, judge: str) -> int:
        """GPUs that a judge can use."""
        member = self.judging_member(judge)
        return 0 if member is None else self.training_gpus(member)

    def judge_code(self, script: str, judge: str) -> str:
        """Digest of the code that makes a judge's probabilities."""
        member = self.judging_member(judge)
        return (
            self.code(script, "podium/models/linear.py")
            if member is None
            else self.code_of_kind(script, member)
        )

    def noise_proba(self, judge: str, split: str) -> dict[str, Any]:
        """Parameters of rule predict_for_noise; ``split`` is ``all`` or ``fold`` with its number."""
        member, noise = self.judging_member(judge), self.config.noise
        model: dict[str, Any] = {
            "kind": "linear",
            "options": LINEAR,
            "seed": self.config.seed,
            "threads": 1,
        }
        if member is not None:
            trained = self.train(member, 0, 0)
            model = {key: trained[key] for key in model}
        fold = None if split == "all" else int(split.removeprefix("fold"))
        return {
            "type": self.type,
            **model,
            "fold": fold,
            "inner_folds": None if fold is None else noise.inner_folds,
            "split_seed": self.config.seed,
        }

    def noise(self, fold: int) -> dict[str, Any]:
        """Parameters of rule judge_labels."""
        block = self.config.noise.model_dump()
        return {"type": self.type, "fold": fold, "rules": {key: block[key] for key in RULES}}

    def noise_rows(self) -> dict[str, Any]:
        """Parameters of rule compare_rows."""
        folds = self.make_folds()
        several = len(self.whole.tasks) > 1
        return {"near_duplicates": folds["near_duplicates"], "seed": folds["seed"], "joint": several}

    def noise_review(self) -> dict[str, Any]:
        """Parameters of rule review_labels."""
        block = self.config.noise.model_dump()
        settings = {key: block[key] for key in RULES if key != "margin" or block["filter_by"] == "margin"}
        return {
            "mode": self.config.noise.mode,
            "models": self.judges(),
            "separator": self.separator,
            "settings": settings,
        }

    def read_overrides(self) -> dict[str, Any]:
        """Parameters of rule read_overrides."""
        block = {"type": self.type, "separator": self.separator}
        if len(self.whole.tasks) == 1:
            return block
        labelled = [name for name, task in self.whole.tasks.items() if isinstance(task, Task)]
        return {**block, "task": self.task, "tasks": labelled}

    @property
    def separator(self) -> str:
        """What joins the labels of a row in tables that people read and write."""
        return self.labelled_task.label_separator or "|"

    def overrides(self) -> str | None:
        """The table of a person's word on single rows; None where the config's file is not there."""
        path = self.config.noise.overrides
        if path is None or not is_file(path):
            return None
        return f"results/noise/{self.task}/overrides.parquet"

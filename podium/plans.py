"""The plan of a whole competition: one for each task, and what is made of several tasks together.

Pure functions of the config, as in ``podium.plan``.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from podium.config import Config, Multitask, SpanTask, Task
from podium.config.augment import Shuffle
from podium.errors import UserError, hint
from podium.plan import Plan
from podium.plan_span import SpanPlan
from podium.rerun import digest
from podium.task_configs import for_task
from podium.type_checks import with_type_defaults
from podium.validation import load


class Plans(Mapping[str, Plan]):
    """The plan of each task by its name, in the order of the config; ``root`` is the folder of the Snakefile."""

    def __init__(self, config: Config, root: Path) -> None:
        self.config, self.root = config, root
        self._plans = {
            name: _kind(block)(with_type_defaults(for_task(config, name)), root, config)
            for name, block in config.tasks.items()
        }
        self.first = next(iter(self._plans.values()))

    @classmethod
    def from_raw(cls, raw: dict[str, Any], root: Path) -> "Plans":
        """Validate a raw mapping and plan it; raise ``UserError`` with every mistake."""
        return cls(load(raw), root)

    def __getitem__(self, task: str) -> Plan:
        return self._plans[task]

    def __iter__(self) -> Iterator[str]:
        return iter(self._plans)

    def __len__(self) -> int:
        return len(self._plans)

    @property
    def alone(self) -> bool:
        """Whether the competition has one task; its files then lie where no task's name is needed."""
        return len(self) == 1

    def code(self, script: str, *modules: str) -> str:
        """Digest of a rule's code: its script, and modules that the script's imports do not name."""
        return digest(self.root, f"scripts/{script}.py", *modules)

    @property
    def spans(self) -> dict[str, SpanPlan]:
        """The plans of span tasks."""
        return {name: plan for name, plan in self.items() if isinstance(plan, SpanPlan)}

    def labelled(self) -> list[str]:
        """The names of all other tasks."""
        return [name for name in self if name not in self.spans]

    # ---- names that wildcards may have

    def external_names(self) -> list[str]:
        """Names of the labelled files of every task."""
        return _once(name for plan in self.values() for name in plan.external_names())

    def unlabelled_names(self) -> list[str]:
        """Names of the files without labels of every task."""
        return _once(name for plan in self.values() for name in plan.unlabelled_names())

    def ensemble_names(self) -> list[str]:
        """Names of every task's ensembles, without the choice among them."""
        return _once(name for plan in self.values() for name in plan.config.ensemble.names)

    def changes_texts(self) -> list[str]:
        """Names of the augmentations that change words."""
        return [name for name in self.config.augment if name not in self.shuffles()]

    def shuffles(self) -> list[str]:
        """Names of the augmentations that change the order of sentences."""
        return [name for name, block in self.config.augment.items() if isinstance(block, Shuffle)]

    def hub(self, folder: str) -> dict[str, str | None]:
        """Name and revision on the Hub of the encoder kept in ``data/hub/<folder>``; ``UserError`` where none is."""
        told: UserError | None = None
        for plan in self.values():
            try:
                return plan.hub(folder)
            except UserError as error:
                told = error
        assert told is not None
        raise told

    def judged(self) -> list[str]:
        """Tasks whose labels the noise stage can judge."""
        return [name for plan in self.values() for name in plan.judged]

    # ---- the files to hand in

    @property
    def submission(self) -> str:
        """The file to hand in: of several tasks an archive of theirs."""
        return f"results/{self.first.submission_name}" if self.alone else "results/submission.zip"

    def submission_of(self, task: str) -> str:
        """The file of one task."""
        return self.submission if self.alone else f"results/submission/{self[task].submission_name}"

    def submission_files(self) -> list[str]:
        """The files of all tasks."""
        return [self.submission_of(task) for task in self]

    def task_of_file(self, file: str) -> str:
        """The task whose file in the archive has this name; raise ``UserError`` where none is."""
        names = {plan.submission_name: task for task, plan in self.items()}
        if file not in names:
            raise UserError(f"results/submission: no task hands in a file {file}; {hint(file, names)}")
        return names[file]

    # ---- members that learn several tasks together

    def joint_members(self) -> dict[str, Plan]:
        """Such members, each with the plan of the first of its tasks."""
        found: dict[str, Plan] = {}
        for plan in self.values():
            found |= {member: plan for member in plan.members if plan.joint(member) and member not in found}
        return found

    def joint(self, member: str) -> Plan:
        """The plan of the first of the member's tasks."""
        return self.joint_members()[member]

    def joint_tasks(self, member: str) -> list[str]:
        """The tasks that the member learns."""
        return self.joint(member).joint_tasks(member)

    def train_joint(self, member: str, number: int, fold: int) -> dict[str, Any]:
        """Parameters of rule train_joint_fold: those of a task's job, with what chooses the rows of each."""
        plan = self.joint(member)
        block = plan.train(member, number, fold)
        if self.fuses(member):
            block["options"] = {
                **block["options"],
                "encoder": f"{plan.fold_folder(member, number, fold)}/fused",
            }
        return self._joined(member, block, number)

    def refit_joint(self, member: str, fold: int) -> dict[str, Any]:
        """Parameters of rule refit_joint_fold."""
        plan = self.joint(member)
        return self._joined(member, plan.refit(member, fold), plan.last_round(member))

    def _joined(self, member: str, block: dict[str, Any], number: int) -> dict[str, Any]:
        kept = {key: value for key, value in block.items() if key not in ("type", "rows_of")}
        plans = {task: self[task] for task in self.joint_tasks(member)}
        rows = {task: plan.rows_of(plan.model(member), number) for task, plan in plans.items()}
        return {**kept, "rows_of": rows}

    # ---- a start from the mean of other members' encoders

    def fuses(self, member: str) -> bool:
        """Whether training starts from the mean of other members' encoders."""
        return self._joint_model(member).fuse is not None

    def fused(self, member: str) -> list[tuple[str, str]]:
        """Task and member of each encoder in the mean, in the order of the tasks."""
        fuse = self._joint_model(member).fuse
        if fuse is None:
            return []
        models = self.config.models
        return [
            (task, f"{name}-s{models[name].seeds[0]}")
            for task in self.joint_tasks(member)
            for name in fuse.models
            if name in self[task].config.models
        ]

    def fuse(self, member: str) -> dict[str, Any]:
        """Parameters of rule fuse_encoders."""
        fuse = self._joint_model(member).fuse
        assert fuse is not None
        return {"weights": [fuse.weights.get(task, 1.0) for task, _ in self.fused(member)]}

    def _joint_model(self, member: str) -> Multitask:
        model = self.joint(member).model(member)
        assert isinstance(model, Multitask)
        return model

    # ---- blocks of parameters of rules that see every task

    def deal_joint_folds(self) -> dict[str, Any]:
        """Parameters of rule deal_joint_folds."""
        types = {task: plan.make_folds()["type"] for task, plan in self.items()}
        return {**self.first.dealing(), "types": types}

    def score_competition(self) -> dict[str, Any]:
        """Parameters of rules score_competition and check_competition."""
        return {
            "metrics": {task: plan.metric for task, plan in self.items()},
            "weights": dict(sorted(self.config.metric.weights.items())),
        }

    def page(self) -> dict[str, Any]:
        """Parameters of rule write_page."""
        return {
            "competition": self.config.competition,
            "submission": self.submission,
            "folds": self.config.folds.n,
        }


def _kind(task: Task | SpanTask) -> type[Plan]:
    return SpanPlan if isinstance(task, SpanTask) else Plan


def _once(names: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(names))

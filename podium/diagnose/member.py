"""What the config says of a member: the only module here that asks the plan."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

from podium.config import Config
from podium.encoder_folders import pretraining_of
from podium.plan import Plan
from podium.plan_span import SpanPlan
from podium.plans import Plans
from podium.targets import TaskType


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One model with one seed in one task.

    ``options`` are those of its training (``podium.plan.Plan.train``); ``joint``: it learns several tasks together;
    ``trained`` is the folder of its trainings below ``root``. ``encoder`` and ``tokenizer`` folders, which
    need not be there yet; ``places`` of a sequence that a new network's pretraining read, None for other encoders;
    ``pretrained`` is the file of what is known of the encoder's pretraining, None where it has none here.
    ``tokens`` is the table of its token ids, ``view`` that of its texts; both may be missing: ``steps``, ``language``
    and ``wordnet`` make the texts of rows, and ``ingest`` the rows of the file ``train``.
    """

    root: Path
    task: str
    name: str
    kind: str
    type: TaskType | Literal["span"]
    metric: str
    options: dict[str, Any]
    joint: bool
    trained: Path
    folds: int
    last_round: int
    encoder: Path | None
    places: int | None
    pretrained: Path | None
    tokenizer: Path | None
    tokens: Path | None
    view: Path
    steps: list[dict[str, Any]]
    language: str
    wordnet: Path | None
    train: Path
    sample: Path | None
    ingest: dict[str, Any]

    @property
    def model(self) -> str:
        """Name of its block below ``models``."""
        return self.name.rpartition("-s")[0]

    def key(self, name: str) -> str:
        """The path of one of its keys in the config."""
        return f"models.{self.model}.{name}"

    def made(self, stage: str) -> Path:
        """Folder of what a stage made for the task."""
        return self.root / "results" / stage / self.task


def members(config: Config, root: Path) -> list[Member]:
    """Every member of every task; ``root`` is the folder of the Snakefile."""
    return [_member(plan, root, name) for plan in Plans(config, root).values() for name in plan.members]


def _member(plan: Plan, root: Path, name: str) -> Member:
    task = plan.config.tasks[plan.task]
    span = isinstance(plan, SpanPlan)
    texts = _as_they_are(plan, root) if span else _viewed(plan, root, name)
    return Member(
        root=root,
        task=plan.task,
        name=name,
        kind=plan.kind(name),
        type="span" if span else plan.type,
        metric=plan.metric,
        options=plan.train(name, 0, 0)["options"],
        joint=plan.joint(name),
        trained=Path(plan.member_folder(name)),
        folds=len(plan.folds),
        last_round=plan.last_round(name),
        encoder=_below(root, plan.encoder(name)),
        places=_places(plan, name),
        pretrained=_pretrained(plan, root, name),
        tokenizer=_below(root, plan.tokenizer_of(name)),
        **texts,
        train=root / Path(task.train).expanduser(),
        sample=root / Path(task.sample).expanduser() if task.sample else None,
        ingest=plan.ingest(),
    )


def _pretraining(plan: Plan, name: str) -> str | None:
    return pretraining_of(getattr(plan.model(name), "encoder", None))


def _places(plan: Plan, name: str) -> int | None:
    """Places of a sequence that the pretraining of a member's new network learned."""
    pretraining = _pretraining(plan, name)
    block = plan.pretraining(pretraining) if pretraining is not None else None
    return None if block is None or block.scratch is None or block.steps == 0 else block.max_length


def _pretrained(plan: Plan, root: Path, name: str) -> Path | None:
    """The file of facts of the pretraining that a member's encoder comes from."""
    pretraining = _pretraining(plan, name)
    return None if pretraining is None else root / f"results/pretrain/{pretraining}/facts.json"


def _viewed(plan: Plan, root: Path, name: str) -> dict[str, Any]:
    """Where a member's texts come from, and how they are made."""
    view, folder = plan.model(name).view, plan.tables(name)
    wordnet = plan.wordnet(view)
    return {
        **plan.text(view),
        "tokens": root / folder / "train.parquet" if folder.startswith("results/tokens/") else None,
        "view": root / f"results/text/{plan.task}/{view}/train.parquet",
        "wordnet": (root / wordnet[0]).parents[2] if wordnet else None,
    }


def _as_they_are(plan: Plan, root: Path) -> dict[str, Any]:
    """The same of a task whose questions and contexts no view changes."""
    made = root / f"results/ingest/{plan.task}/train.parquet"
    return {"tokens": None, "view": made, "steps": [], "language": plan.language, "wordnet": None}


def _below(root: Path, folder: str | None) -> Path | None:
    return None if folder is None else root / folder

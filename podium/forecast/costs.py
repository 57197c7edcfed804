"""What one job costs: which usual figures are its own, and how much there is to do in it."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from podium.encoder_folders import folder_of, hub_folder
from podium.encoder_shape import Shape, shape_of
from podium.files import read_json
from podium.forecast.jobs import Job
from podium.forecast.rates import LIGHT, PREDICT, RULES, TRAIN, Usual
from podium.forecast.sizes import EMPTY, Part, Size, lengths
from podium.forecast.work import NETWORKS, Work, predicting, pretraining, training
from podium.plan import Plan
from podium.plans import Plans

TRAINING = ("train_fold", "refit_fold", "train_span_fold", "refit_span_fold")
JOINT = ("train_joint_fold", "refit_joint_fold")
PREDICTING = ("predict_rows", "predict_unlabelled", "predict_questions")
FETCH = {
    **{"fetch_reuters_r8": (1.5, 4.0), "fetch_reuters_r8_holdout": (1.5, 0.1)},
    **{"fetch_minilm": (3.0, 92.0), "fetch_wordnet": (2.0, 27.0)},
}
"""Seconds and megabytes of what is fetched by a pin; what the network adds, nobody knows before."""
HUB_MEGABYTES_PER_SECOND = 20.0
_TABLE_MB = 0.3  # of a million characters or of a table of probabilities, as Parquet


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The usual figures of a job's rule, its work, and its ``own`` name: jobs that share it cost the same a unit."""

    usual: Usual
    work: Work
    own: str


class Costs:
    """Costs of jobs of ``plans`` for tasks of some ``sizes``."""

    def __init__(self, plans: Plans, sizes: Mapping[str, Size]) -> None:
        self.plans, self.sizes = plans, sizes

    def of(self, job: Job) -> Cost:
        """What a job costs that the config asks for."""
        given, rule = dict(job.wildcards), job.rule
        if rule in FETCH or rule == "fetch_encoder":
            return self._fetch(job)
        if rule in TRAINING or rule in JOINT:
            return self._fit(job, given)
        if rule in PREDICTING:
            return self._predict(given)
        if rule == "pretrain_encoder":
            return self._pretrain(given["pretraining"])
        if rule == "predict_for_noise":
            return self._judge(given)
        usual = RULES.get(rule, LIGHT)
        amount = self._amount(usual.unit, job)
        if rule == "augment_rows":
            amount *= _copies(self.plans[given["task"]], given["method"])
        table = _TABLE_MB * (1 + amount)
        return Cost(usual=usual, work=Work(amount=amount, memory=amount, disk=table), own=rule)

    def _amount(self, unit: str, job: Job) -> float:
        given = dict(job.wildcards)
        tasks = [given["task"]] if "task" in given else list(self.plans)
        both = ["train", "test"]
        units = {"train": ["train"], "test": ["test"], "both": both, "all": both}
        named = units.get(unit, [given.get("part", "train")])
        sizes = [self.sizes[task] for task in tasks]
        return sum(
            (size.parts.get(name) or self._made(size, name)).millions for size in sizes for name in named
        )

    @staticmethod
    def _made(size: Size, name: str) -> Part:
        """An augmentation has about as many rows as train."""
        return size.part("train") if name not in ("test", "train") else EMPTY

    def _fetch(self, job: Job) -> Cost:
        if job.rule in FETCH:
            seconds, megabytes = FETCH[job.rule]
        else:
            megabytes = 4 * shape_of(f"data/hub/{Path(job.short).name}").parameters / 1e6
            seconds = 3 + megabytes / HUB_MEGABYTES_PER_SECOND
        usual = dataclasses.replace(LIGHT, family="fetch", start=seconds, rate=0.0)
        return Cost(usual=usual, work=Work(amount=0.0, disk=megabytes), own=job.name)

    def _fit(self, job: Job, given: dict[str, str]) -> Cost:
        member, number = given["member"], int(given["round"])
        tasks = self.plans.joint_tasks(member) if job.rule in JOINT else [given["task"]]
        plan = self.plans[tasks[0]]
        fold = int(given["fold"])
        block = plan.refit(member, fold) if "refit" in job.rule else plan.train(member, number, fold)
        folds = plan.config.folds.n
        each = []
        for task in tasks:
            size, rows = self.sizes[task], self.sizes[task].part("train").rows
            trained = self.rows_trained(self.plans[task], member, number, whole="refit" in job.rule)
            held = 0.0 if "refit" in job.rule else rows / folds
            each.append(self.fitting(plan, member, block["kind"], block["options"], size, trained, held))
        return Cost(usual=fitted(block["kind"]), work=_together(each), own=f"fit {member}")

    def fitting(
        self,
        plan: Plan,
        member: str,
        kind: str,
        options: Mapping[str, Any],
        size: Size,
        trained: float,
        held: float,
    ) -> Work:
        """The work of fitting a model; the shape of its encoder is looked up where it will lie."""
        return training(
            *(kind, options, size),
            trained=trained,
            held=held,
            shape=self.shape(plan, member) if kind in NETWORKS else shape_of(None),
            tokenizer=plan.tokenizer_of(member) if kind in NETWORKS else None,
        )

    def shape(self, plan: Plan, member: str) -> Shape:
        """The form of a member's encoder; one that a pretraining makes has that of its start."""
        name = getattr(plan.model(member), "encoder", None) or ""
        return (
            self._pretrained_shape(name.removeprefix("pretrain/"))
            if name.startswith("pretrain/")
            else shape_of(plan.encoder(member))
        )

    def _pretrained_shape(self, name: str) -> Shape:
        block = self.plans.first.pretraining(name)
        if block.scratch is None:
            return shape_of(self.plans.first.pretrain_start(name))
        scratch = block.scratch
        found = shape_of(f"results/pretrain/{name}/start")
        vocabulary = found.vocabulary if found.known else 6000  # of what the texts hold, up to a limit
        return Shape(
            layers=scratch.layers,
            hidden=scratch.hidden_size,
            intermediate=scratch.intermediate_size,
            vocabulary=vocabulary,
        )

    def rows_trained(self, plan: Plan, member: str, number: int, *, whole: bool) -> float:
        """Rows that a fold's model is trained on: those of the other folds, what is made of them, pseudo-labels."""
        size, model, folds = self.sizes[plan.task], plan.model(member), plan.config.folds.n
        rows = size.part("train").rows * (1.0 if whole else (folds - 1) / folds)
        rows *= 1 + sum(_copies(plan, method) for method in model.augment)
        others = getattr(plan.config.tasks[plan.task], "external", {})
        rows += sum(size.part(name).rows for name in others)
        if number:
            rows += plan.config.pseudo.max_share * size.part("test").rows
        return rows

    def _predict(self, given: dict[str, str]) -> Cost:
        plan, member = self.plans[given["task"]], given["member"]
        kind, folds = plan.kind(member), plan.config.folds.n
        block = plan.train(member, int(given["round"]), 0)
        part = given.get("part", "test")
        work = predicting(
            *(kind, block["options"], self.sizes[given["task"]], part),
            models=folds,
            shape=self.shape(plan, member) if kind in NETWORKS else shape_of(None),
            tokenizer=plan.tokenizer_of(member) if kind in NETWORKS else None,
        )
        usual = PREDICT["network" if kind in NETWORKS else kind]
        return Cost(usual=usual, work=dataclasses.replace(work, disk=0.5), own=f"predict {member}")

    def _judge(self, given: dict[str, str]) -> Cost:
        plan = self.plans[given["task"]]
        block, member = plan.noise_proba(given["judge"], given["split"]), plan.judging_member(given["judge"])
        rows, folds = self.sizes[given["task"]].part("train").rows, plan.config.folds.n
        inner = block["inner_folds"] or folds
        inside = rows if block["inner_folds"] is None else rows * (folds - 1) / folds
        size = self.sizes[given["task"]]
        if member is None:
            usual = RULES["predict_for_noise"]
            amount = inner * inside * (inner - 1) / inner * size.part("train").characters / 1e6
            memory = size.part("train").millions
            return Cost(usual=usual, work=Work(amount=amount, memory=memory, disk=0.3), own="judge")
        fit = self.fitting(
            *(plan, member, block["kind"], block["options"], size),
            *(inside * (inner - 1) / inner, inside / inner),
        )
        work = dataclasses.replace(fit, amount=inner * fit.amount, disk=0.3)
        return Cost(usual=fitted(block["kind"]), work=work, own=f"fit {member}")

    def _pretrain(self, name: str) -> Cost:
        settings = self.plans.first.pretrain(name)["settings"]
        tokenizer, tokens = self.plans.first.pretrain_start(name), 0.0
        for task, part in self.plans.first.pretrain_parts(name):
            found = self.sizes[task].part(part)
            counted = lengths(found, tokenizer)
            each = float(counted.sum(axis=1).mean()) if len(counted) else 0.0
            tokens += found.rows * each * (found.different if settings["pack"] else 1.0)
        work = pretraining(settings, tokens, self._pretrained_shape(name))
        return Cost(usual=TRAIN["network"], work=work, own=f"pretrain {name}")


def fitted(kind: str) -> Usual:
    """What is usual of fitting a model of a kind."""
    return TRAIN["network" if kind in NETWORKS else kind]


def _copies(plan: Plan, method: str) -> float:
    return float(getattr(plan.config.augment[method], "copies", 1) or 1)


def _together(each: list[Work]) -> Work:
    """The work of a job that learns several tasks: all their rows, the memory of the longest."""
    return Work(
        amount=sum(work.amount for work in each),
        memory=max(work.memory for work in each),
        disk=max(work.disk for work in each),
    )


def hub_names(plans: Plans) -> list[tuple[str, str | None]]:
    """Encoders on the Hub that the config names and that are not there yet, with their revisions."""
    named: list[tuple[str, str | None]] = []
    for plan in plans.values():
        named += [plan._encoder(member) for member in plan.members]  # type: ignore[misc]
        named += [*plan.augment_encoders(), *plan.pretrain_encoders()]
    return [
        (name, revision)
        for name, revision in dict.fromkeys(named)
        if name and not name.startswith("pretrain/") and _missing(name, revision)
    ]


def _missing(name: str, revision: str | None) -> bool:
    return folder_of(name) is None and not Path(hub_folder(name, revision)).is_dir()


def card(results: Path, folder: str) -> dict[str, Any] | None:
    """What a fold's training said of itself; None where it is not there or cannot be read."""
    try:
        found = read_json(results / folder / "card.json")
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None

"""What the config means for the workflow: members, rounds, and each rule's block of parameters.

Pure functions of the config; no Snakemake here. A block is one dict of plain values that holds exactly what
its rule depends on, always in the same order: Snakemake compares blocks by their printed form.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

from podium import fetch, metric_file, metrics
from podium.config import Config, Linear, Model, Multitask, Reader, TextCnn, Transformer, member_names, serves
from podium.encoder_folders import ENCODER, FETCHED, encoder_folder, files_of, local_folder
from podium.errors import UserError
from podium.models import KINDS
from podium.plan_adversarial import AdversarialPlan
from podium.plan_data import INGESTED, WORDNET
from podium.plan_ensemble import options_of, reads_texts
from podium.plan_page import readers, reasons, twins
from podium.submission_files import file_name
from podium.validation import load

REUTERS = "data/reuters_r8"
RESOURCES = [
    (ENCODER, "all-MiniLM-L6-v2"),
    (REUTERS, "reuters_r8"),
    (REUTERS, "reuters_r8_holdout"),
    (WORDNET, "wordnet"),
]


class Plan(AdversarialPlan):
    """The workflow's view of one task; ``root`` is the folder of the Snakefile, ``whole`` the competition's config."""

    def __init__(self, config: Config, root: Path, whole: Config | None = None) -> None:
        super().__init__(config, root, whole)
        self.members = sorted(member_names(config))
        self.made = {f"{folder}/{file}" for folder, key in RESOURCES for file in fetch.outputs(key)}
        self.folds = list(range(config.folds.n))
        self.rounds = max(self.last_round(member) for member in self.members)

    @classmethod
    def from_raw(cls, raw: dict[str, Any], root: Path) -> "Plan":
        """Validate a raw mapping of one task and plan it; raise ``UserError`` with every mistake."""
        return cls(load(raw), root)

    # ---- members and rounds

    def model(self, member: str) -> Model:
        """The config block of a member's model."""
        return self.config.models[member.rpartition("-s")[0]]

    def kind(self, member: str) -> str:
        """The kind of a member's model."""
        return str(getattr(self.model(member), "kind"))  # noqa: B009 - only the subclasses have it

    def joint(self, member: str) -> bool:
        """Whether the member learns several tasks together; its models lie in ``results/joint/``."""
        return isinstance(self.model(member), Multitask)

    def joint_tasks(self, member: str) -> list[str]:
        """The tasks that such a member learns, in the order of their numbers in its models."""
        return [task for task in self.whole.tasks if serves(self.model(member), task, self.whole.tasks)]

    def member_folder(self, member: str) -> str:
        """Folder of all that a member's training makes."""
        return f"results/joint/{member}" if self.joint(member) else f"results/train/{self.task}/{member}"

    def fold_folder(self, member: str, number: int, fold: int) -> str:
        """The same of one round and fold."""
        return f"{self.member_folder(member)}/round{number}/fold{fold}"

    def last_round(self, member: str) -> int:
        """The last pseudo-label round that the member takes part in."""
        own, all_rounds = self.model(member).rounds, self.config.pseudo.rounds
        return all_rounds if own is None else min(own, all_rounds)

    def used(self) -> list[str]:
        """Members of the ensembles."""
        return sorted(self.config.ensemble.members or self.members)

    def voters(self) -> list[str]:
        """Members that vote for pseudo-labels."""
        models = self.config.pseudo.voters
        return [member for member in self.members if models is None or member.rpartition("-s")[0] in models]

    def distils(self, member: str) -> bool:
        """Whether the member learns from itself in the round before."""
        return getattr(self.model(member), "distillation", None) is not None

    def member_rounds(self) -> list[tuple[str, int]]:
        """Every (member, round) that is trained."""
        return [(member, number) for member in self.members for number in range(self.last_round(member) + 1)]

    def scored_rounds(self) -> list[tuple[str, int]]:
        """Every (member, round) that the table of scores looks at; what settles brings its scores along."""
        return [(member, number) for member, number in self.member_rounds() if not self.settles(member)]

    # ---- files

    def encoder(self, member: str) -> str | None:
        """Folder of a member's encoder; None where it has none."""
        name, version = self._encoder(member)
        return None if name is None else encoder_folder(name, version)

    def _encoder(self, member: str) -> tuple[str | None, str | None]:
        """Name and revision of a member's encoder, as the config has them."""
        model = self.model(member)
        return getattr(model, "encoder", None), getattr(model, "revision", None)

    def encoder_files(self, member: str) -> list[str]:
        """What a training job of the member needs of its encoder or word vectors, as inputs."""
        folder = self.encoder(member)
        if folder is None:
            vectors = getattr(self.model(member), "vectors", None)
            return [] if vectors is None else [str(Path(vectors).expanduser())]
        return files_of(folder)

    def tables(self, member: str) -> str:
        """Folder of the tables that a member reads its rows from: token ids for transformers, else texts."""
        view = self.model(member).view
        if not isinstance(self.model(member), Transformer):
            return f"results/text/{self.task}/{view}"
        return f"results/tokens/{self.task}/{view}/{slug(str(self.tokenizer_of(member)))}"

    def tokenizer_of(self, member: str) -> str | None:
        """Folder of the tokenizer of a member's encoder; None where it has none."""
        name, version = self._encoder(member)
        return None if name is None else self.tokenizer_folder(name, version)

    def token_tables(self) -> list[str]:
        """Every folder of token ids."""
        folders = {self.tables(member) for member in self.members}
        return sorted(folder for folder in folders if folder.startswith("results/tokens/"))

    def tokenizer_file(self, encoder: str) -> str:
        """What the token ids in a folder named ``encoder`` depend on: the tokenizer's file, or its folder."""
        for member in self.members:
            folder = self.tokenizer_of(member)
            if folder is not None and slug(folder) == encoder:
                return f"{folder}/tokenizer.json" if folder in FETCHED else folder
        raise UserError(f"results/tokens: no model of the config uses an encoder called {encoder}")

    def hub(self, folder: str) -> dict[str, str | None]:
        """Name and revision on the Hub of the encoder kept in ``data/hub/<folder>``."""
        for member in self.members:
            if self.encoder(member) == f"data/hub/{folder}":
                name, revision = self._encoder(member)
                return {"name": name, "revision": revision}
        for name, revision in [*self.augment_encoders(), *self.pretrain_encoders()]:
            if local_folder(name, revision) == f"data/hub/{folder}":
                return {"name": name, "revision": revision}
        raise UserError(
            f"data/hub/{folder}: no model, pretraining or augmentation of the config uses this encoder"
        )

    def tokenizer(self) -> list[str]:
        """The tokenizer that the profile counts tokens with, a file or its folder: the first transformer's.

        The disk is never asked: an input that came and went with a folder's files would make results old.
        """
        for member in self.members:
            folder = self.tokenizer_of(member)
            if folder is not None:
                return [f"{folder}/tokenizer.json"] if folder in FETCHED else [folder]
        return []

    # ---- blocks of parameters, one for each rule

    def profile(self) -> dict[str, Any]:
        """Parameters of rule profile_rows: those of ingest and the models' maximal lengths."""
        return {**self.ingest(), "max_lengths": sorted(set(self.max_lengths().values()))}

    def max_lengths(self) -> dict[str, int]:
        """Maximal length of each transformer whose config names one, by model."""
        models = sorted(self.config.models.items())
        return {
            name: model.max_length
            for name, model in models
            if isinstance(model, Transformer) and isinstance(model.max_length, int)
        }

    def train(self, member: str, number: int, fold: int) -> dict[str, Any]:
        """Parameters of rule train_fold."""
        model = self.model(member)
        return {
            "kind": self.kind(member),
            "type": self.type,
            "options": self.model_options(member),
            "seed": self.config.seed + int(member.rpartition("-s")[2]),
            "fold": fold,
            "round": number,
            "rows_of": self.rows_of(model, number),
            "threads": model.threads,
        }

    def model_options(self, member: str) -> dict[str, Any]:
        """What a member's model is made with: the keys of its block that are its kind's own."""
        shared = {*Model.model_fields, "kind", "revision", "refit"}
        options = {key: value for key, value in self.settled(self.model(member)).items() if key not in shared}
        folder = self.encoder(member)
        if folder is not None:
            options["encoder"] = folder
        if self.joint(member):
            options["tasks"] = self.joint_tasks(member)
        return options

    def settled(self, model: Model) -> dict[str, Any]:
        """A model's block with every null replaced that the task's type gives a meaning."""
        networks = TextCnn | Transformer
        return model.settled(self.type) if isinstance(model, networks) else model.model_dump()

    def rows_of(self, model: Model, number: int) -> dict[str, Any]:
        """What decides which rows a model is trained on (``podium.training_rows.Settings``)."""
        return {
            "action": model.noise,
            "augment": {method: self.selection(method) for method in model.augment},
            "judged": self.judged_methods(model),
            "external": self.external_names(),
            "unlabelled": self.unlabelled_names() if number else [],
            "pseudo_weight": self.config.pseudo.weight_in(number) if number else 1.0,
        }

    def views_in_use(self) -> list[str]:
        """Views that a model reads, those without a step left out."""
        views = self.config.text.views
        return sorted({model.view for model in self.config.models.values() if views[model.view]})

    def judged_methods(self, model: Model) -> list[str]:
        """The model's augmentations whose rows each fold judges by their labels."""
        return [method for method in model.augment if self.config.augment[method].filter.label is not None]

    def refits(self, member: str) -> bool:
        """Whether the member's fold models go on over all rows."""
        return getattr(self.model(member), "refit", None) is not None

    def refit(self, member: str, fold: int) -> dict[str, Any]:
        """Parameters of refit_fold and refit_span_fold: those of training, fewer epochs at smaller rates."""
        model, number = self.model(member), self.last_round(member)
        assert isinstance(model, Transformer | Reader)
        assert model.refit is not None
        block = self.train(member, number, fold)
        folder = f"{self.fold_folder(member, number, fold)}/model/encoder"
        changed: dict[str, Any] = {"encoder": folder, "epochs": model.refit.epochs, "steps": None}
        changed |= {
            key: getattr(model, key) * model.refit.rate for key in ("learning_rate", "head_learning_rate")
        }
        off = [key for key in ("stopping", "average", "distillation", "unfreeze") if key in block["options"]]
        changed |= {"warmup": 0.0, "reinit_layers": 0, **dict.fromkeys(off)}
        options = block["options"] | changed
        begun = {  # the epochs of plain training are those of the model gone on from
            key: {**value, "from_epoch": 1}
            for key, value in options.items()
            if isinstance(value, dict) and "from_epoch" in value
        }
        return block | {"options": options | begun}

    def gpus(self, member: str) -> int:
        """GPUs that one job of the member can use when it predicts."""
        return int(KINDS[self.kind(member)].gpu)

    def training_gpus(self, member: str) -> int:
        """GPUs that one job of the member can use when it trains."""
        return self.gpus(member) * int(getattr(self.model(member), "devices", 1))

    def code_of_kind(self, script: str, member: str) -> str:
        """Digest of a training or predicting rule's code with the member's kind of model."""
        return self.code(script, KINDS[self.kind(member)].module.replace(".", "/") + ".py")

    def predict(self, member: str) -> dict[str, Any]:
        """Parameters of rule predict_rows."""
        block = {"kind": self.kind(member), "type": self.type, "threads": self.model(member).threads}
        if self.joint(member):
            block["joint"] = {"task": self.task, "number": self.joint_tasks(member).index(self.task)}
        return block

    def pseudo(self, fold: int) -> dict[str, Any]:
        """Parameters of rule label_test_rows."""
        pseudo = self.config.pseudo
        keys = {"agree", "votes", "precision", "max_share", "balance", "top", "labels"}
        rules = {**pseudo.model_dump(include=keys), "confidence": pseudo.bars()}
        return {"fold": fold, "rules": rules, "unlabelled": self.unlabelled_names()}

    def settles(self, member: str) -> bool:
        """Whether the member takes part in rounds only until they stop helping."""
        return self.config.pseudo.until_helps and self.last_round(member) > 0

    def verdict(self) -> dict[str, Any]:
        """Parameters of rule judge_round."""
        return {"metric": self.metric, "type": self.type}

    def settle(self, member: str) -> dict[str, Any]:
        """Parameters of rule settle_rounds."""
        return {"member": member, **self.verdict()}

    def options(self, method: str) -> dict[str, Any]:
        """Options of one ensemble."""
        return options_of(self.config.ensemble, method, members=self.used(), seed=self.config.seed)

    def ensemble(self, *methods: str) -> dict[str, Any]:
        """Parameters of rules combine_members (one method) and choose_ensemble (all that are configured)."""
        chosen = methods or self.config.ensemble.names
        return {
            "members": self.used(),
            "methods": {method: self.options(method) for method in chosen},
            "metric": self.metric,
            "type": self.type,
        }

    def reads_texts(self, *methods: str) -> bool:
        """Whether an ensemble (the choice among all: none named) looks at figures of the texts."""
        return any(reads_texts(options) for options in self.ensemble(*methods)["methods"].values())

    def decision(self) -> dict[str, Any]:
        """Parameters of rule decide_labels."""
        return {**self.config.decision.model_dump(), "metric": self.metric, "type": self.type}

    def scores(self) -> dict[str, Any]:
        """Parameters of rule score_all."""
        return {
            "task": self.task,
            "member_rounds": self.scored_rounds(),
            "methods": self.ensembles(),
            "submit": self.config.ensemble.submit,
            "metric": self.metric,
            "type": self.type,
            "twins": twins(self.config.models),
            **self._joint_members(),
        }

    def _joint_members(self) -> dict[str, list[str]]:
        """The members whose jobs' records lie apart from the task's own; nothing where there are none."""
        joint = [member for member in self.members if self.joint(member)]
        return {"joint": joint} if joint else {}

    def ensembles(self) -> list[str]:
        """Every ensemble that is computed."""
        best = ["best"] if self.config.ensemble.submit == "best" else []
        return [*self.config.ensemble.names, *best]

    @property
    def metric(self) -> str:
        """Metric of the task; one in a file of the user's with a digest of the file, which is read (``UserError``)."""
        metric = self.config.tasks[self.task].metric
        return metric_file.pinned(metric) if metric_file.is_own(metric) else metric

    @property
    def submission_name(self) -> str:
        """Name of the task's file to hand in."""
        task = self.config.tasks[self.task]
        stem = "submission" if len(self.whole.tasks) == 1 else self.task
        return file_name(task.submission.file, task.sample, stem=stem)

    def submission(self) -> dict[str, Any]:
        """Parameters of rules write_submission and compare_with_holdout."""
        metric = metrics.get(self.metric, self.type)
        return {
            **self.config.tasks[self.task].model_dump(include=INGESTED - {"text"}),
            "probabilities": metric.uses == "proba" and metric.ranked is None,
            "ranked": metric.ranked,
        }

    def report(self) -> dict[str, Any]:
        """Parameters of rule write_summary."""
        models = sorted(self.config.models.items())
        return {
            "competition": self.config.competition,
            "settings": {
                "max_lengths": self.max_lengths(),
                "folds": self.config.folds.n,
                "seeds": {name: list(model.seeds) for name, model in models if not isinstance(model, Linear)},
            },
        }

    def page(self) -> dict[str, Any]:
        """Parameters of rule gather_figures."""
        return {
            "task": self.task,
            "type": self.config.tasks[self.task].type,
            "metric": self.metric,
            "submit": self.config.ensemble.submit,
            "readers": readers({member: self.tables(member) for member in self.members}),
            "off": reasons(
                self.config,
                self.config.tasks[self.task].type,
                judged=bool(self.judged),
                trusted=bool(self.trusted()),
            ),
        }


def slug(folder: str) -> str:
    """A name for an encoder's folder that no other folder has and that a path can hold."""
    path = Path(folder)
    named = (
        path.parent if folder.startswith("results/pretrain/") else path
    )  # every pretraining's is called start
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", named.name).strip(".-")
    return f"{name}-{hashlib.sha256(folder.encode()).hexdigest()[:6]}"

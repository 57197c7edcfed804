"""What the config means for the augmentations."""

import math
from pathlib import Path
from typing import Any

from podium.augment import KINDS as AUGMENTERS
from podium.config import Config
from podium.config.augment import Augmentation, Eda
from podium.encoder_folders import encoder_folder, files_of, pretraining_of
from podium.models import KINDS
from podium.rerun import digest

WORDNET = "data/wordnet"
#: Keys of an augmentation that name a model, and those of its revision on the Hub.
MODELS = {"encoder": "revision", "model_out": "revision_out", "model_back": "revision_back"}
LABEL_KEYS = {"label", "inner_folds"}  # of a filter: only the judges of labels depend on them


class AugmentPlan:
    """The part of the plan that is about augmentations."""

    config: Config
    root: Path
    task: str

    def augment(self, method: str) -> dict[str, Any]:
        """Parameters of rule augment_rows: how rows are made and filtered, not which of them are taken."""
        block = self.config.augment[method]
        own = block.model_dump(exclude=set(Augmentation.model_fields) | {"kind"})
        chosen = block.filter.model_dump(exclude=LABEL_KEYS)
        return {
            "method": method,
            "kind": self.augment_kind(method),
            "copies": block.supply,
            "draws": self.draws(method),
            "segments": block.segments,
            "settings": _with_folders(own),
            "filter": _with_folders(chosen),
            "language": self.config.tasks[self.task].language,
            "seed": self.config.seed,
        }

    def augment_kind(self, method: str) -> str:
        """The kind of an augmentation."""
        return str(getattr(self.config.augment[method], "kind"))  # noqa: B009 - only the subclasses have it

    def draws(self, method: str) -> int:
        """How many draws of copies are made: for ``fresh: true`` the most epochs of the networks that use them."""
        fresh = self.config.augment[method].fresh
        if fresh is not True:
            return int(fresh) or 1
        epochs = [
            getattr(model, "epochs", 1)
            for model in self.config.models.values()
            if method in model.augment and KINDS[str(getattr(model, "kind", ""))].epochs
        ]
        return max(1, math.ceil(max(epochs, default=1)))

    def selection(self, method: str) -> dict[str, Any]:
        """What decides which made rows a fold trains on: the settings of ``podium.augment.selection.select``."""
        block = self.config.augment[method]
        return {
            **block.model_dump(include={"copies", "balance", "max_share"}),
            "type": self.config.tasks[self.task].type,
            "seed": self.config.seed,
        }

    def judge_made(self, method: str, fold: int) -> dict[str, Any]:
        """Parameters of rule judge_made_rows."""
        block = self.config.augment[method].filter
        own = {"bar": block.label, "inner_folds": block.inner_folds, "seed": self.config.seed}
        return {"method": method, "fold": fold, **own}

    def augment_wordnet(self, method: str) -> list[str]:
        """The WordNet files that an augmentation needs."""
        block = self.config.augment[method]
        needed = isinstance(block, Eda) and block.synonyms == "wordnet"
        return [f"{WORDNET}/corpora/wordnet/data.noun"] if needed else []

    def augment_needs(self, method: str) -> list[str]:
        """What else an augmentation reads: a dictionary, folders of encoders and models."""
        block = self.config.augment[method]
        files = []
        if isinstance(block, Eda) and block.synonyms != "wordnet":
            files.append(str(Path(block.synonyms).expanduser()))
        for name, revision in named_models(block):
            files += files_of(encoder_folder(name, revision))
        return sorted(set(files))

    def augment_encoders(self) -> list[tuple[str, str | None]]:
        """Name and revision of every encoder or model that the augmentations name and no pretraining makes."""
        named = [named for block in self.config.augment.values() for named in named_models(block)]
        return [(name, revision) for name, revision in named if pretraining_of(name) is None]

    def augment_gpus(self, method: str) -> int:
        """GPUs that one job of an augmentation can use."""
        block = self.config.augment[method]
        able = AUGMENTERS[self.augment_kind(method)].gpu and getattr(block, "engine", None) != "apertium"
        return int(able or block.filter.similarity is not None)

    def augment_threads(self, method: str) -> int:
        """CPU threads of one job of an augmentation, or its processes where rows are many."""
        usual = 2 if AUGMENTERS[self.augment_kind(method)].apart else 1
        return int(getattr(self.config.augment[method], "threads", usual))

    def code_of_augmentation(self, script: str, method: str) -> str:
        """Digest of a rule's code with that of the augmentation's own kind and filters."""
        modules = [AUGMENTERS[self.augment_kind(method)].module]
        if self.config.augment[method].filter.similarity is not None:
            modules.append("podium.augment.similarity")
        files = [f"{module.replace('.', '/')}.py" for module in modules]
        return digest(self.root, f"scripts/{script}.py", *files)


def named_models(block: Augmentation) -> list[tuple[str, str | None]]:
    """Name and revision of the encoders and models that an augmentation and its filter name."""
    found = []
    for part in (block, block.filter):
        for key, revision in MODELS.items():
            name = getattr(part, key, None)
            if name is not None:
                found.append((name, getattr(part, revision, None)))
    return found


def _with_folders(keys: dict[str, Any]) -> dict[str, Any]:
    """The keys with local folders in place of models' names, and no revisions."""
    named = {key: keys[key] for key in MODELS if keys.get(key) is not None}
    folders = {key: encoder_folder(name, keys.get(MODELS[key])) for key, name in named.items()}
    return {key: value for key, value in (keys | folders).items() if key not in MODELS.values()}

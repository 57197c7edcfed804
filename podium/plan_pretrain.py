"""What the config means for the pretrainings: their files, their texts, their blocks of parameters."""

from pathlib import Path
from typing import Any

from podium.config import Model
from podium.config.pretrain import Pretraining
from podium.encoder_folders import encoder_folder, files_of, local_folder, pretrain_folder, pretraining_of
from podium.plan_augment import named_models
from podium.plan_data import DataPlan

#: Keys that say what is read, not how: they are inputs of the rules.
READ = {"tasks", "view", "texts", "test", "encoder", "revision", "scratch", "seed"}
RATES = {"scratch": 5e-4, "encoder": 1e-4}
#: Keys of ``scratch`` that make the vocabulary and the first weights; ``vectors`` is a file.
EXPANDED = ("vectors",)


class PretrainPlan(DataPlan):
    """The part of the plan that is about pretrainings, which read texts of all tasks and serve models of each."""

    def pretraining(self, name: str) -> Pretraining:
        """The config block of a pretraining."""
        return self.whole.pretrain[name]

    def pretrain_folder(self, name: str) -> str:
        """Folder of all that a pretraining makes."""
        return pretrain_folder(name)

    def tokenizer_folder(self, name: str, revision: str | None) -> str:
        """The folder that an encoder's tokenizer comes from; a pretraining hands on the one it began with.

        So tokens need not wait for a pretraining, and another number of its steps makes none of them old.
        """
        pretraining = pretraining_of(name)
        return local_folder(name, revision) if pretraining is None else self.pretrain_start(pretraining)

    def pretrain_start(self, name: str) -> str:
        """The folder of the network that a pretraining goes on from."""
        block = self.pretraining(name)
        if block.encoder is None:
            return f"{self.pretrain_folder(name)}/start"
        return local_folder(block.encoder, block.revision)

    def pretrain_start_files(self, name: str) -> list[str]:
        """The same as inputs of a job."""
        return files_of(self.pretrain_start(name))

    def encoder_inputs(self, name: str, revision: str | None) -> list[str]:
        """An encoder's folder as inputs of a job."""
        return files_of(encoder_folder(name, revision))

    def pretrain_encoders(self) -> list[tuple[str, str | None]]:
        """Name and revision of every encoder that a pretraining goes on from."""
        return [(block.encoder, block.revision) for block in self.whole.pretrain.values() if block.encoder]

    def pretrain_tasks(self, name: str) -> list[str]:
        """Tasks whose texts a pretraining reads."""
        named = self.pretraining(name).tasks
        return [task for task in self.whole.tasks if named is None or task in named]

    def pretrain_parts(self, name: str) -> list[tuple[str, str]]:
        """Tasks and their parts whose texts a pretraining reads."""
        block, found = self.pretraining(name), []
        for task in self.pretrain_tasks(name):
            files = self.whole.tasks[task]
            present = ["train", "test", *files.external, *files.unlabelled]
            wanted = present if block.texts is None else [part for part in block.texts if part in present]
            found += [(task, part) for part in wanted if part != "test" or block.test]
        return found

    def pretrain_texts(self, name: str) -> list[str]:
        """Their tables."""
        view = self.pretraining(name).view
        return [f"results/text/{task}/{view}/{part}.parquet" for task, part in self.pretrain_parts(name)]

    def pretrainings_in_use(self) -> list[str]:
        """Pretrainings that a model takes its encoder from, or an augmentation that a model lists."""
        named = {name for model in self.whole.models.values() for name in self._pretrainings_of(model)}
        return [name for name in self.whole.pretrain if name in named]

    def _pretrainings_of(self, model: Model) -> set[str | None]:
        """The pretrainings that have a part in a model, by its encoder or by the rows made for it."""
        made = (self.whole.augment[method] for method in model.augment)
        encoders = [name for block in made for name, _ in named_models(block)]
        return {pretraining_of(name) for name in [getattr(model, "encoder", None), *encoders]}

    def made_from_scratch(self) -> list[str]:
        """Pretrainings of a new network."""
        return [name for name, block in self.whole.pretrain.items() if block.scratch is not None]

    def pretrain_vectors(self, name: str) -> list[str]:
        """The file of word vectors that a new network starts with."""
        scratch = self.pretraining(name).scratch
        if scratch is None or scratch.vectors is None:
            return []
        return [str(Path(scratch.vectors).expanduser())]

    def start_encoder(self, name: str) -> dict[str, Any]:
        """Parameters of rule start_encoder."""
        block = self.pretraining(name)
        assert block.scratch is not None
        settings = block.scratch.model_dump(exclude=set(EXPANDED))
        return {"settings": settings, "seed": self.whole.seed + block.seed, "threads": block.threads}

    def pretrain(self, name: str) -> dict[str, Any]:
        """Parameters of rule pretrain_encoder."""
        block = self.pretraining(name)
        settings = block.model_dump(exclude=READ)
        if settings["learning_rate"] is None:
            settings["learning_rate"] = RATES["scratch" if block.scratch is not None else "encoder"]
        if block.objective != "rtd":
            settings |= {"generator": None, "detection_weight": None}
        if block.masking != "ngram":
            settings["ngrams"] = None
        threads = settings.pop("threads")
        return {
            "name": name,
            "folder": self.pretrain_start(name),
            "parts": [
                part if len(self.whole.tasks) == 1 else f"{task}/{part}"
                for task, part in self.pretrain_parts(name)
            ],
            "language": self.whole.tasks[self.pretrain_tasks(name)[0]].language,
            "settings": settings,
            "seed": self.whole.seed + block.seed,
            "threads": threads,
        }

    def pretrain_notes(self) -> dict[str, list[str]]:
        """Models that read each pretraining that is in use, or rows that were made with it."""
        models = sorted(self.whole.models.items())
        return {
            name: [model for model, block in models if name in self._pretrainings_of(block)]
            for name in self.pretrainings_in_use()
        }

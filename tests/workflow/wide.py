"""A competition with every kind of block, never run; and which of its jobs a changed config would do again.

Snakemake plans the competition's jobs once. For another config the rules' own functions of inputs and parameters are
called anew for the same jobs: what differs is what Snakemake would find changed. That is much faster than a dry run.
"""

import contextlib
import copy
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from snakemake.api import SnakemakeApi
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
    StorageSettings,
)

from podium.config.keys import STEPS
from podium.errors import UserError
from podium.plans import Plans

ENCODER = {"encoder": "data/encoder", "threads": 1}
PARTS = {key: f"data/wide/{{}}.{key}.csv" for key in ("train", "test", "sample", "holdout")}


def _task(name: str, **more: Any) -> dict[str, Any]:
    return {key: path.format(name) for key, path in PARTS.items()} | {
        "text": ["text"],
        "target": "label",
        **more,
    }


AUGMENTED = ["eda", "mlm", "back_translation"]
SMALL = {"pretrain": {"small": {"encoder": "data/encoder"}, "new": {"scratch": {}}}, "folds": {"n": 4}}
LABELS: dict[str, Any] = {
    "competition": "labels",
    "seed": 3,
    "tasks": {
        "topic": _task(
            "topic",
            metric="macro_f1",
            external={"more": {"file": "data/wide/more.csv"}},
            unlabelled={"web": {"file": "data/wide/web.csv"}},
        ),
        "mood": _task("mood"),
        "tags": _task("tags", type="multi_label", label_separator=" ", metric="micro_f1"),
    },
    "metric": {"weights": {"topic": 2}},
    "text": {"views": {"raw": [], "full": [*STEPS]}},
    "augment": {
        "eda": {"kind": "eda", "filter": {"label": 0.9}},
        "mlm": {"kind": "mlm", "encoder": "data/encoder", "filter": {"label": 0.9}},
        "back_translation": {
            **{"kind": "back_translation", "engine": "apertium", "through": ["spa"]},
            "filter": {"label": 0.9},
        },
    },
    "models": {
        "linear": {
            **{"kind": "linear", "tasks": ["topic"], "view": "full", "noise": "prune"},
            "augment": AUGMENTED,
        },
        "plain": {"kind": "linear"},
        "lightgbm": {"kind": "lightgbm", "tasks": ["topic", "tags"], "encoder": "data/encoder"},
        "fasttext": {"kind": "fasttext", "tasks": ["topic"]},
        "textcnn": {"kind": "textcnn", "tasks": ["topic"]},
        "transformer": {
            **{"kind": "transformer", "tasks": ["topic"], **ENCODER},
            **{"augment": AUGMENTED, "refit": {}},
        },
        "own": {"kind": "transformer", "tasks": ["topic"], "encoder": "pretrain/small", "threads": 1},
        "fresh": {"kind": "transformer", "tasks": ["topic"], "encoder": "pretrain/new", "threads": 1},
        "multitask": {"kind": "multitask", "tasks": ["topic", "mood"], **ENCODER, "refit": {}},
        "fused": {
            **{"kind": "multitask", "tasks": ["topic", "mood"], **ENCODER},
            "fuse": {"models": ["first", "second"]},
        },
        "first": {"kind": "transformer", "tasks": ["topic"], **ENCODER},
        "second": {"kind": "transformer", "tasks": ["mood"], **ENCODER},
    },
    "pseudo": {"rounds": 1},
    "ensemble": {
        "named": {
            **{f"a_{kind}": {"kind": kind} for kind in ("mean", "blend", "vote", "stack")},
            "a_layers": {"kind": "layers", "first": ["mean", "blend"], "second": "stack"},
        }
    },
    **SMALL,
}
"""Labels of every sort but numbers, with every kind of model, augmentation and ensemble."""

SPANS: dict[str, Any] = {
    "competition": "spans",
    "seed": 3,
    "tasks": {
        "qa": {
            "type": "span",
            **{key: path.format("qa") for key, path in PARTS.items()},
            "data": {"question": "question", "context": "context", "answer": "answer", "start": "start"},
        }
    },
    "augment": {"shuffle": {"kind": "shuffle"}, "eda": {"kind": "eda", "segments": "a"}},
    "models": {
        "reader": {"kind": "reader", **ENCODER, "augment": ["shuffle", "eda"], "refit": {}},
        "retriever": {"kind": "retriever"},
    },
    "pseudo": {"rounds": 1},
    **SMALL,
}
NUMBERS: dict[str, Any] = {
    "competition": "numbers",
    "seed": 3,
    "tasks": {"topic": _task("grade", type="regression", metric="rmse")},
    "text": {"views": {"raw": [], "full": ["emoji", "lemmas"]}},
    "models": {
        "linear": {"kind": "linear", "view": "full"},
        "textcnn": {"kind": "textcnn"},
        "transformer": {"kind": "transformer", **ENCODER},
    },
    **SMALL,
}
SETS: dict[str, Any] = {
    "competition": "sets",
    "seed": 3,
    "tasks": {
        "topic": _task(
            "tags",
            type="multi_label",
            label_separator=" ",
            metric="micro_f1",
            external={"more": {"file": "data/wide/tagged.csv"}},
        )
    },
    "models": {"linear": {"kind": "linear"}},
    **SMALL,
}
WIDE = {"labels": LABELS, "spans": SPANS, "numbers": NUMBERS, "sets": SETS}
TEXTS = [f"wheat and corn number {number}" for number in range(12)]


def write_files(folder: Path) -> None:
    """Write the smallest files that a run would begin with."""
    data = folder / "data/wide"
    data.mkdir(parents=True)
    labels = {
        "topic": ["wheat", "corn"],
        "mood": ["good", "bad"],
        "tags": ["a b", "b", "a", "b a"],
        "grade": ["1.5", "2.5", "4"],
    }
    for task, values in labels.items():
        given = [values[row % len(values)] for row in range(12)]
        _csv(data / f"{task}.train.csv", id=range(12), text=TEXTS, label=given)
        _csv(data / f"{task}.test.csv", id=range(12, 16), text=TEXTS[:4])
        for part in ("sample", "holdout"):
            _csv(data / f"{task}.{part}.csv", id=range(12, 16), label=given[:4])
    _csv(data / "more.csv", id=range(4), text=TEXTS[:4], label=["wheat", "corn"] * 2)
    _csv(data / "tagged.csv", id=range(4), text=TEXTS[:4], label=["a b", "b"] * 2)
    _csv(data / "web.csv", id=range(4), text=TEXTS[:4])
    asked: dict[str, Any] = {"question": ["how many?"] * 12, "context": TEXTS}
    answers = [text.split()[0] for text in TEXTS]
    _csv(data / "qa.train.csv", id=range(12), **asked, answer=answers, start=[0] * 12)
    _csv(data / "qa.test.csv", id=range(12, 24), **asked)
    _csv(data / "qa.sample.csv", id=range(12, 24), answer=answers)
    _csv(data / "qa.holdout.csv", id=range(12, 24), **asked, answer=answers, start=[0] * 12)
    _csv(folder / "data/overrides.csv", id=["0"], label=["corn"])
    encoder = folder / "data/encoder"
    encoder.mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (encoder / name).write_text("{}", encoding="utf-8")


def _csv(path: Path, **columns: Any) -> None:
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


Job = tuple[str, tuple[tuple[str, str], ...]]


class Planned:
    """The jobs of a whole competition; ``changed`` says which of them another config does again."""

    def __init__(self, workflow: Any, root: Path) -> None:
        self._globals, self._root = workflow.globals, root
        self._known: dict[str, dict[Job, str | None]] = {}
        self._jobs = {
            (job.rule.name, tuple(sorted(job.wildcards_dict.items()))): job
            for job in workflow.dag.jobs
            if job.wildcards_dict.get("fold", "0") == "0"
        }

    def changed(self, before: dict[str, Any], after: dict[str, Any]) -> set[str]:
        """The rules of which a job has other parameters or inputs; jobs that only one config has are left out."""
        one, other = self._all(before), self._all(after)
        return {job[0] for job in one if None not in (one[job], other[job]) and one[job] != other[job]}

    def _all(self, config: dict[str, Any]) -> dict[Job, str | None]:
        key = json.dumps(config, sort_keys=True)
        if key not in self._known:
            self._globals["plans"] = Plans.from_raw(copy.deepcopy(config), self._root)
            self._known[key] = {name: self._described(job) for name, job in self._jobs.items()}
        return self._known[key]

    def _described(self, job: Any) -> str | None:
        """What functions say of a job's inputs and parameters; None where the config has no such job.

        What a rule has beside functions was computed when the workflow was read; no parameter but digests of code is.
        """
        said = [
            (name, getattr(getattr(item, "_file", None), "callable", None) or item)  # as unpack() wraps it
            for part in (job.rule.input, job.rule.params)
            for name, item in part._allitems()
        ]
        try:
            return repr([(name, function(job.wildcards)) for name, function in said if callable(function)])
        except (AssertionError, AttributeError, KeyError, StopIteration, UserError):
            return None


@contextlib.contextmanager
def planned(folder: Path) -> Iterator[Planned]:
    """Plan the jobs in a clone with its ``config.yaml`` and files."""
    before = Path.cwd()
    quiet = OutputSettings(dryrun=True, quiet={Quietness.ALL})
    try:
        with SnakemakeApi(quiet) as api:
            flow = api.workflow(
                resource_settings=ResourceSettings(cores=2),
                config_settings=ConfigSettings(),
                storage_settings=StorageSettings(),
                snakefile=folder / "Snakefile",
                workdir=folder,
            )
            targets = {"all", "check_holdout"}
            with contextlib.redirect_stdout(io.StringIO()):
                flow.dag(dag_settings=DAGSettings(targets=targets, forceall=True)).printrulegraph()
            yield Planned(flow._workflow, folder)
    finally:
        os.chdir(before)

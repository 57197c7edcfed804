"""What a run would do with a competition, in this process and cheaply: as the Snakefile at start, then the scripts."""

import contextlib
import logging
import os
import re
import resource
import signal
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pandas as pd

from podium import filecheck
from podium.config import Linear, Retriever
from podium.errors import UserError
from podium.files import read_json, read_table, write_json
from podium.plan import Plan
from podium.plan_span import SpanPlan
from podium.plans import Plans
from podium.yamlcheck import read_yaml
from scripts import (
    check_holdout,
    combine_readers,
    decide_answers,
    decision,
    describe_questions,
    ensemble,
    folds,
    folds_joint,
    ingest,
    ingest_external,
    ingest_profile,
    ingest_questions,
    ingest_test,
    ingest_unlabelled,
    noise_overrides,
    place_external,
    predict,
    predict_questions,
    submission,
    submission_pack,
    text,
    train,
    train_span,
)

ROOT = Path(__file__).parents[2]
SECONDS = 20  # of CPU: a hang is told apart from a busy machine
MEMORY = 3 << 30  # what a case may take beside what the process has
LONGEST = 400  # characters of a line
MOST_LINES = 60
_RUDE = re.compile(r"Traceback|File \"|line \d+, in |Error\(|<class |<built-in|NoneType|object at 0x")


@dataclass
class Result:
    """What came of a case: the lines of a mistake, or what was made of each task."""

    mistake: str | None = None
    stage: str = ""
    train: dict[str, pd.DataFrame] = field(default_factory=dict)
    test: dict[str, pd.DataFrame] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)
    submission: str | None = None
    holdout: dict[str, Any] = field(default_factory=dict)


class TooLong(BaseException):
    """A case used up its time."""


def drive(folder: Path, *, whole: bool = True) -> Result:
    """Run the competition whose ``config.yaml`` stands in ``folder``; any exception but a ``UserError`` is a bug.

    Where not the ``whole`` way is wanted, it ends with the folds.
    """
    result = Result()
    with _inside(folder), _limited():
        try:
            for _stage in _stages(result, whole):
                result.stage = _stage
        except UserError as error:
            result.mistake = str(error)
    return result


def plan(raw: Any) -> str | None:
    """Only check a config: what is wrong with it."""
    with _limited():
        try:
            Plans.from_raw(raw, ROOT)
        except UserError as error:
            return str(error)
    return None


def check_mistake(mistake: str) -> None:
    """Assert that a mistake's lines are lines for a person."""
    lines = mistake.split("\n")
    assert lines
    assert len(lines) <= MOST_LINES, f"{len(lines)} lines"
    for line in lines:
        assert line.strip(), "an empty line"
        assert len(line) <= LONGEST, f"{len(line)} characters: {line[:300]}"
        assert line.isprintable(), f"not printable: {line!r}"
        assert not _RUDE.search(line), f"words of a traceback: {line}"
        assert re.search(r"[\w)'\"]: |data/|tasks\.|models\.", line), f"names no file or key: {line}"


def _stages(result: Result, whole: bool) -> Iterator[str]:
    yield "config"
    raw = read_yaml(Path("config.yaml"))
    yield "plan"
    plans = Plans.from_raw(raw, ROOT)
    yield "files"
    filecheck.check_all(plans)
    for name, own in plans.items():
        yield f"ingest {name}"
        (_ingest_questions if isinstance(own, SpanPlan) else _ingest)(name, own, result)
    yield "folds"
    _deal(plans)
    for name, own in plans.items():
        yield f"train {name}"
        if whole and all(isinstance(model, Linear | Retriever) for model in own.config.models.values()):
            (_answer if isinstance(own, SpanPlan) else _predict)(name, own, plans)
    out = Path(plans.submission)
    if not plans.alone and all(Path(file).is_file() for file in plans.submission_files()):
        yield "pack"
        submission_pack.main(files=[Path(file) for file in plans.submission_files()], out=out)
    elif out.is_file():
        result.submission = out.read_bytes().decode("utf-8")
        for name, own in plans.items():
            if not isinstance(own, SpanPlan) and own.config.tasks[name].holdout:
                yield "holdout"
                result.holdout = _compare(name, own, out)
    yield "done"


def _ingest(name: str, own: Plan, result: Result) -> None:
    task, made = own.config.tasks[name], Path("results/ingest", name)
    sample = {"sample": Path(task.sample)} if task.sample else {}
    ingest.main(
        train=Path(task.train), out=made / "train.parquet", labels=made / "labels.json", **own.ingest()
    )
    ingest_test.main(test=Path(task.test), out=made / "test.parquet", **sample, **own.ingest_test())
    ingest_profile.main(
        train=Path(task.train), test=Path(task.test), profile=made / "profile.json", **sample, **own.profile()
    )
    labels = made / "labels.json"
    for part in own.external_names():
        outs = {"out": made / f"{part}.parquet", "counts": made / f"{part}.counts.json"}
        ingest_external.main(
            file=Path(own.other_file(part).file), labels=labels, **outs, **own.ingest_external(part)
        )
    for part in own.unlabelled_names():
        ingest_unlabelled.main(
            file=Path(own.other_file(part).file), out=made / f"{part}.parquet", **own.ingest_unlabelled(part)
        )
    for view in {model.view for model in own.config.models.values()}:
        if own.wordnet(view):
            continue
        for part in ("train", "test", *own.other_names()):
            out = Path("results/text", name, view, f"{part}.parquet")
            text.main(table=made / f"{part}.parquet", out=out, threads=1, **own.text(view))
    if own.overrides():
        noise_overrides.main(
            table=Path(str(own.config.noise.overrides)),
            train=made / "train.parquet",
            labels=labels,
            out=Path(str(own.overrides())),
            **own.read_overrides(),
        )
    _note(name, made, result)


def _ingest_questions(name: str, own: SpanPlan, result: Result) -> None:
    task, made = own.span, Path("results/ingest", name)
    for part, file in (("train", task.train), ("test", task.test)):
        more: dict[str, Any] = {"labels": made / "labels.json"} if part == "train" else {}
        more |= {"sample": Path(task.sample)} if task.sample and part == "test" else {}
        outs = {"out": made / f"{part}.parquet", "counts": made / f"{part}.counts.json"}
        ingest_questions.main(questions=Path(file), **outs, **more, **own.ingest())
    describe_questions.main(
        train=made / "train.parquet",
        test=made / "test.parquet",
        counts=[made / "train.counts.json", made / "test.counts.json"],
        profile=made / "profile.json",
    )
    _note(name, made, result)


def _note(name: str, made: Path, result: Result) -> None:
    result.train[name] = read_table(made / "train.parquet")
    result.test[name] = read_table(made / "test.parquet")
    result.labels[name] = read_json(made / "labels.json")


def _deal(plans: Plans) -> None:
    files = {name: Path("results/folds", name, "folds.parquet") for name in plans}
    rows = {name: Path("results/ingest", name, "train.parquet") for name in plans}
    if plans.alone:
        folds.main(train=rows[next(iter(plans))], out=files[next(iter(plans))], **plans.first.make_folds())
    else:
        folds_joint.main(train=list(rows.values()), out=list(files.values()), **plans.deal_joint_folds())
    for name, own in plans.items():
        for part in own.other_names():
            made, out = Path("results/ingest", name), Path("results/folds", name, "external")
            counts = {"counts": made / f"{part}.counts.json"} if part in own.external_names() else {}
            place_external.main(
                rows=made / f"{part}.parquet",
                train=rows[name],
                test=made / "test.parquet",
                folds=files[name],
                out=out / f"{part}.parquet",
                report=out / f"{part}.json",
                **counts,
                **own.place_external(part),
            )


def _fold_outputs(own: Plan, member: str, fold: int) -> dict[str, Path]:
    made = Path(own.fold_folder(member, 0, fold))
    made.mkdir(parents=True, exist_ok=True)
    names = {"oof": "oof.parquet", "trained_on": "trained_on.parquet", "card": "card.json"}
    return {"model": made / "model", "steps": made / "steps.csv"} | {
        key: made / file for key, file in names.items()
    }


def _predict(name: str, own: Plan, plans: Plans) -> None:
    made, dealt = Path("results/ingest", name), Path("results/folds", name, "folds.parquet")
    shared = {"rows": made / "train.parquet", "labels": made / "labels.json"}
    said: dict[str, list[Path]] = {"oof": [], "test": [], "test_folds": []}
    for member in own.used():
        texts = Path(own.tables(member))
        inputs: dict[str, Any] = {"texts": texts / "train.parquet", "folds": dealt}
        if own.external_names():
            inputs["external"] = [
                Path("results/folds", name, "external", f"{part}.parquet") for part in own.external_names()
            ]
            inputs["external_texts"] = [texts / f"{part}.parquet" for part in own.external_names()]
        if own.overrides():
            inputs["overrides"] = Path(str(own.overrides()))
        if own.model(member).noise or own.model(member).augment or not texts.is_dir():
            return
        for fold in own.folds:
            train.main(**shared, **inputs, **_fold_outputs(own, member, fold), **own.train(member, 0, fold))
        out = {key: Path("results/predict", name, member, f"{key}.parquet") for key in said}
        models = [Path(own.fold_folder(member, 0, fold)) for fold in own.folds]
        predict.main(
            fold_models=[folder / "model" for folder in models],
            fold_oof=[folder / "oof.parquet" for folder in models],
            texts=texts / "test.parquet",
            **shared,
            **out,
            **own.predict(member),
        )
        for key, path in out.items():
            said[key].append(path)
    both = {"train": shared["rows"], "folds": dealt, "labels": shared["labels"]}
    ensembled, decided = Path("results/ensemble", name), Path("results/decision", name)
    outs = {f"{key}_out": f"{key}.parquet" for key in said}
    block = own.ensemble(*(() if own.config.ensemble.submit == "best" else (own.config.ensemble.submit,)))
    figures = {"test_texts": made / "test.parquet"} if own.reads_texts(*block["methods"]) else {}
    ensemble.main(
        **said,
        **both,
        **{key: ensembled / file for key, file in outs.items()},
        **figures,
        fit=ensembled / "fit.json",
        threads=1,
        **block,
    )
    decision.main(
        **{key: ensembled / f"{key}.parquet" for key in said},
        **both,
        **{key: decided / file for key, file in outs.items()},
        fit=decided / "fit.json",
        score=decided / "score.json",
        **own.decision(),
    )
    _hand_in(name, own, plans, proba=ensembled / "test.parquet")


def _answer(name: str, own: SpanPlan, plans: Plans) -> None:
    made, dealt = Path("results/ingest", name), Path("results/folds", name, "folds.parquet")
    rows, said = made / "train.parquet", {"oof": [], "test": []}
    for member in own.used():
        if own.model(member).augment:
            return
        for fold in own.folds:
            outs = _fold_outputs(own, member, fold)
            train_span.main(rows=rows, folds=dealt, **outs, **own.train(member, 0, fold))
        models = [Path(own.fold_folder(member, 0, fold)) for fold in own.folds]
        out = {key: Path("results/predict", name, member, f"{key}.parquet") for key in said}
        predict_questions.main(
            fold_models=[folder / "model" for folder in models],
            fold_oof=[folder / "oof.parquet" for folder in models],
            texts=made / "test.parquet",
            rows=rows,
            test_folds=[
                Path("results/predict", name, member, f"test_fold{fold}.parquet") for fold in own.folds
            ],
            **out,
            **own.predict(member),
        )
        for key, path in out.items():
            said[key].append(path)
    both = {"train": rows, "folds": dealt}
    ensembled, decided = Path("results/ensemble", name), Path("results/decision", name)
    outs = {f"{key}_out": f"{key}.parquet" for key in said}
    combine_readers.main(
        **said, **both, **{key: ensembled / file for key, file in outs.items()}, fit=ensembled / "fit.json",
        **own.ensemble(),
    )  # fmt: skip
    decide_answers.main(
        **{key: ensembled / f"{key}.parquet" for key in said},
        **both,
        asked=made / "test.parquet",
        **{key: decided / file for key, file in outs.items()},
        fit=decided / "fit.json",
        score=decided / "score.json",
        **own.decision(),
    )
    _hand_in(name, own, plans, proba=ensembled / "test.parquet")


def _hand_in(name: str, own: Plan, plans: Plans, *, proba: Path) -> None:
    task = own.config.tasks[name]
    submission.main(
        predictions=Path("results/decision", name, "test.parquet"),
        proba=proba,
        submission=Path(plans.submission_of(name)),
        **({"sample": Path(task.sample)} if task.sample else {}),
        **own.submission(),
    )


def _compare(name: str, own: Plan, out: Path) -> dict[str, Any]:
    made, decided, report = (
        Path("results/ingest", name),
        Path("results/decision", name),
        Path("results/check"),
    )
    told = {"metric": own.metric, "cv": 0.5, "se": 0.1, "board_low": 0.0, "board_high": 1.0}
    write_json({"chosen": told}, Path("results/scores.json"))
    check_holdout.main(
        submission=out,
        truth=Path(str(own.config.tasks[name].holdout)),
        score=Path("results/scores.json"),
        labels=made / "labels.json",
        train=made / "train.parquet",
        test=made / "test.parquet",
        decided=decided / "test.parquet",
        proba=Path("results/ensemble", name, "test.parquet"),
        report=report / "report.json",
        summary=report / "summary.txt",
        **own.submission(),
    )
    found: dict[str, Any] = read_json(report / "report.json")
    return found


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Bound CPU time and memory of what is inside; warnings and log lines are not what is looked at."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooLong(f"more than {SECONDS} seconds of CPU")

    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, hard))
    handler = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def tree(folder: Path) -> dict[str, bytes | str]:
    """Every file below a folder, with what it holds; links and others by their kind."""
    found: dict[str, bytes | str] = {}
    for above, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(above, name)
            key = str(path.relative_to(folder))
            if path.is_symlink():
                found[key] = f"link to {path.readlink()}"
            elif path.is_file():
                found[key] = path.read_bytes() if os.access(path, os.R_OK) else "closed"
            else:
                found[key] = "folder" if path.is_dir() else "other"
    return found


def guarded(parent: Path, fill: Callable[[Path], None], *, whole: bool = True) -> Result:
    """Drive a case in a folder of its own, and assert that nothing but its ``results/`` has changed beside it."""
    canary, folder = parent / "canary", parent / "case"
    canary.mkdir()
    (canary / "file.txt").write_text("as it was", encoding="utf-8")
    folder.mkdir()
    fill(folder)
    before = tree(parent)
    result = drive(folder, whole=whole)
    after = {
        name: content
        for name, content in tree(parent).items()
        if name != "case/results" and not name.startswith("case/results/")
    }
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    assert not changed, f"changed beside results/: {changed}"
    left = [str(path) for path in folder.rglob("*.part")]
    assert not left, f"left behind: {left}"
    return result

"""The plan of this run, and the functions that give rules their inputs. No rules here."""

import os
import sys
from pathlib import Path

from podium import fetch, filecheck, guard
from podium.errors import UserError, shown
from podium.plan import Plan

# Threads that wait for each other must sleep: spinning ones slow training many times over on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

try:
    plan = Plan.from_raw(config, Path(workflow.basedir))
    if workflow.is_main_process:  # a job on a cluster need not read the files again
        filecheck.check(plan)
    PINS = {name: fetch.pin(name, Path(workflow.basedir, "envs/data.txt")) for name in fetch.RESOURCES}
except UserError as error:
    sys.exit(shown(error))

if workflow.is_main_process:
    os.environ[guard.MAIN_PROCESS] = guard.this_process()

mistakes = guard.Mistakes(Path("."))
run_lock = guard.RunLock(Path("."))
FOLDS, TASK = plan.folds, plan.task


wildcard_constraints:
    task="[a-z][a-z0-9_]*",
    view="[a-z][a-z0-9_]*",
    part="[a-z][a-z0-9_]*",
    method="[a-z][a-z0-9_]*",
    member="[a-z][a-z0-9_]*-s[0-9]+",
    fold="[0-9]+",
    round="[0-9]+",
    folder="[^/]+",
    encoder="[A-Za-z0-9.-]+",
    judge="[a-z][a-z0-9_]*|built-in",
    split="all|fold[0-9]+",


def fetched_files():
    """What the rules of stage fetch make for this config."""
    task = plan.config.tasks[TASK]
    others = [plan.other_file(name).file for name in plan.other_names()]
    files = [task.train, task.test, task.holdout, *others]
    made = [path for path in files if path in plan.made]
    for member in plan.members:
        made += [
            path for path in plan.encoder_files(member) if path in plan.made or path.startswith("data/hub/")
        ]
    wordnet = [path for view in plan.config.text.views for path in plan.wordnet(view)]
    for method in plan.config.augment:
        wordnet += plan.augment_wordnet(method)
        made += [
            path for path in plan.augment_needs(method) if path in plan.made or path.startswith("data/hub/")
        ]
    return sorted({*made, *wordnet})


def task_of(w):
    """The config block of the task."""
    return plan.config.tasks[w.task]


def one_of(names):
    """The pattern of a wildcard that is one of some names; without any it matches nothing."""
    return "|".join(names) or "(?!)"


def test_files(w):
    """The test rows and the sample submission, where there is one."""
    task = task_of(w)
    return {"test": task.test} | ({"sample": task.sample} if task.sample else {})


def left_out(w):
    """How many rows of an external file were read, and left out by their label."""
    return (
        {"counts": f"results/ingest/{w.task}/{w.part}.counts.json"} if w.part in plan.external_names() else {}
    )


def profile_files(w):
    """What the profile reads."""
    tokenizer = plan.tokenizer()
    return test_files(w) | {"train": task_of(w).train} | ({"tokenizer": tokenizer[0]} if tokenizer else {})


def text_files(w):
    """The rows that a text view is made of, and the data of its steps."""
    stage = "ingest" if w.part in ("train", "test", *plan.other_names()) else "augment"
    files = {"table": f"results/{stage}/{w.task}/{w.part}.parquet"}
    wordnet = plan.wordnet(w.view)
    return files | ({"wordnet": wordnet[0]} if wordnet else {})


def text_changes_files(w):
    """The train and test rows, the view that was made of them, and the data of its steps."""
    rows, view = f"results/ingest/{w.task}", f"results/text/{w.task}/{w.view}"
    files = {
        "train": f"{rows}/train.parquet",
        "test": f"{rows}/test.parquet",
        "train_view": f"{view}/train.parquet",
        "test_view": f"{view}/test.parquet",
    }
    wordnet = plan.wordnet(w.view)
    return files | ({"wordnet": wordnet[0]} if wordnet else {})


def train_files(w):
    """What the training of one fold depends on besides folds, labels and the train rows."""
    model, number = plan.model(w.member), int(w.round)
    view = plan.tables(w.member)
    files = {"texts": f"{view}/train.parquet"}
    if plan.encoder_files(w.member):
        files["encoder"] = plan.encoder_files(w.member)
    if plan.overrides():
        files["overrides"] = f"results/noise/{w.task}/overrides.parquet"
    if model.noise:
        files["noise"] = f"results/noise/{w.task}/fold{w.fold}.parquet"
    if model.augment:
        files["augmented"] = [f"results/augment/{w.task}/{method}.parquet" for method in model.augment]
        files["augmented_texts"] = [f"{view}/{method}.parquet" for method in model.augment]
        judged = plan.judged_methods(model)
        if judged:
            files["verdicts"] = [
                f"results/augment/{w.task}/{method}/fold{w.fold}.parquet" for method in judged
            ]
    if plan.external_names():
        names = plan.external_names()
        files["external"] = [f"results/folds/{w.task}/external/{name}.parquet" for name in names]
        files["external_texts"] = [f"{view}/{name}.parquet" for name in names]
    if number:
        files["pseudo"] = f"results/pseudo/{w.task}/round{number}/fold{w.fold}.parquet"
        files["test_texts"] = f"{view}/test.parquet"
        if plan.unlabelled_names():
            files["unlabelled_texts"] = [f"{view}/{name}.parquet" for name in plan.unlabelled_names()]
    return files


def overrides_file(w):
    """A person's word on single rows, where there is any."""
    return {"overrides": f"results/noise/{w.task}/overrides.parquet"} if plan.overrides() else {}


def judge_files(w):
    """What a judge of labels reads its rows from."""
    files = {"texts": f"{plan.judge_tables(w.judge)}/train.parquet"}
    if plan.judge_encoder(w.judge):
        files["encoder"] = plan.judge_encoder(w.judge)
    return files | overrides_file(w)


def augment_files(w):
    """What an augmentation reads besides the train rows: WordNet, and a dictionary, an encoder or models."""
    files = {"needs": plan.augment_needs(w.method)} if plan.augment_needs(w.method) else {}
    wordnet = plan.augment_wordnet(w.method)
    return files | ({"wordnet": wordnet[0]} if wordnet else {})


def judged_made():
    """The label verdicts of every fold on the rows of the augmentations that ask for them."""
    asked = [method for method, block in plan.config.augment.items() if block.filter.label is not None]
    return expand("results/augment/{task}/{method}/fold{fold}.parquet", task=TASK, method=asked, fold=FOLDS)


def teacher_file(w):
    """The fold's model of the round before, for a member that learns from itself."""
    if not int(w.round) or not plan.distils(w.member):
        return {}
    return {"teacher": f"results/train/{w.task}/{w.member}/round{int(w.round) - 1}/fold{w.fold}/model"}


def test_models(w):
    """The models that predict the test rows for the submission, where they are not the fold models themselves."""
    if not plan.refits(w.member) or int(w.round) != plan.last_round(w.member):
        return {}
    folder = f"results/train/{w.task}/{w.member}/round{w.round}"
    return {"refit_models": [f"{folder}/fold{fold}/refit" for fold in FOLDS]}


def last_predictions(w, name):
    """A predictions file of every member of the ensembles, in its last round."""
    return [
        f"results/predict/{w.task}/{member}/round{plan.last_round(member)}/{name}.parquet"
        for member in plan.used()
    ]


def figures_files(w):
    """The test rows, for an ensemble that looks at figures of the texts, or one among all where none is named."""
    names = [w.method] if hasattr(w, "method") else []
    return {"test_texts": f"results/ingest/{w.task}/test.parquet"} if plan.reads_texts(*names) else {}


def votes(w):
    """Test predictions of the voters' fold models in the round before, each in its last round by then."""
    before = int(w.round) - 1
    return [
        f"results/predict/{w.task}/{member}/round{min(before, plan.last_round(member))}/test_folds.parquet"
        for member in plan.voters()
    ]


def unlabelled_votes(w):
    """What the same models say of each unlabelled file, and where its rows may be used."""
    names, before = plan.unlabelled_names(), int(w.round) - 1
    folders = [
        f"results/predict/{w.task}/{member}/round{min(before, plan.last_round(member))}/unlabelled"
        for member in plan.voters()
    ]
    return (
        {
            "unlabelled_folds": [f"{folder}/{name}.parquet" for name in names for folder in folders],
            "placed": [f"results/folds/{w.task}/external/{name}.parquet" for name in names],
        }
        if names
        else {}
    )


def all_oof(w):
    """Out-of-fold predictions of every member in every round."""
    return [
        f"results/predict/{w.task}/{member}/round{number}/oof.parquet"
        for member, number in plan.member_rounds()
    ]


def sample_file(w):
    """The sample submission, where there is one."""
    sample = plan.config.tasks[plan.task].sample
    return {"sample": sample} if sample else {}


def show_results(targets):
    """Print the summaries of what was asked for; a partial run has none of its own."""
    if workflow.dag_settings.until or workflow.dag_settings.omit_from:
        return
    asked = set(targets) or {"all"}
    files = {
        "results/report/summary.txt": {"all", "report"},
        "results/check_holdout/summary.txt": {"check_holdout"},
    }
    for path, names in files.items():
        if asked & {path, *names}:
            print(f"\n{Path(path).read_text(encoding='utf-8')}", end="")


def take_run_lock(targets):
    """Refuse to run beside another run in this folder, or over the results of another competition."""
    try:
        run_lock.acquire()
        if "clean_results" not in targets:
            guard.claim(Path("results"), plan.config.competition)
    except UserError as error:
        sys.exit(shown(error))
    mistakes.clear()


def holdout_file(w):
    """The true labels of the test rows; the run ends where the config names none."""
    holdout = plan.config.tasks[TASK].holdout
    if holdout is None:
        sys.exit(
            f"podium: config: tasks.{TASK}.holdout: check_holdout needs the true labels of the test rows"
        )
    return holdout


def show_errors():
    """The last words of a run that did not reach its end."""
    told = mistakes.all()
    for mistake in told:
        print(shown(mistake))
    if not told:
        print(
            "podium: the run stopped before its end; what is done is kept, and starting it again goes on. "
            "If you did not stop it, the log file named above says why."
        )

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


def fetched_files():
    """What the rules of stage fetch make for this config."""
    task = plan.config.tasks[TASK]
    made = [path for path in (task.train, task.test, task.holdout) if path in plan.made]
    for member in plan.members:
        made += [
            path for path in plan.encoder_files(member) if path in plan.made or path.startswith("data/hub/")
        ]
    wordnet = [path for view in plan.config.text.views for path in plan.wordnet(view)]
    if plan.config.augment:
        wordnet.append("data/wordnet/corpora/wordnet/data.noun")
    return sorted({*made, *wordnet})


def task_of(w):
    """The config block of the task."""
    return plan.config.tasks[w.task]


def test_files(w):
    """The test rows and the sample submission, where there is one."""
    task = task_of(w)
    return {"test": task.test} | ({"sample": task.sample} if task.sample else {})


def profile_files(w):
    """What the profile reads."""
    tokenizer = plan.tokenizer()
    return test_files(w) | {"train": task_of(w).train} | ({"tokenizer": tokenizer[0]} if tokenizer else {})


def text_files(w):
    """The rows that a text view is made of, and the data of its steps."""
    stage = "ingest" if w.part in ("train", "test") else "augment"
    files = {"table": f"results/{stage}/{w.task}/{w.part}.parquet"}
    wordnet = plan.wordnet(w.view)
    return files | ({"wordnet": wordnet[0]} if wordnet else {})


def train_files(w):
    """What the training of one fold depends on besides folds, labels and the view of the train rows."""
    model, number = plan.model(w.member), int(w.round)
    view = plan.tables(w.member)
    files = {"texts": f"{view}/train.parquet"}
    if plan.encoder_files(w.member):
        files["encoder"] = plan.encoder_files(w.member)
    if model.prune:
        files["noise"] = f"results/noise/{w.task}/fold{w.fold}.parquet"
    if model.augment:
        files["augmented"] = expand(
            "results/augment/{task}/{method}.parquet", task=w.task, method=model.augment
        )
        files["augmented_texts"] = expand("{view}/{method}.parquet", view=view, method=model.augment)
    if number:
        files["pseudo"] = f"results/pseudo/{w.task}/round{number}/fold{w.fold}.parquet"
        files["test_texts"] = f"{view}/test.parquet"
    return files


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


def votes(w):
    """Test predictions of the voters' fold models in the round before, each in its last round by then."""
    before = int(w.round) - 1
    return [
        f"results/predict/{w.task}/{member}/round{min(before, plan.last_round(member))}/test_folds.parquet"
        for member in plan.voters()
    ]


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

"""The plan of this run, and the functions that give rules their inputs. No rules here."""

import os
import sys
from pathlib import Path

from podium import fetch, filecheck, guard
from podium.errors import UserError, shown
from podium.files import read_json
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
    pretraining="[a-z][a-z0-9_]*",
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
    for name, revision in plan.pretrain_encoders():
        files = plan.encoder_inputs(name, revision)
        made += [path for path in files if path in plan.made or path.startswith("data/hub/")]
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


def start_files(w):
    """The texts that a new network's vocabulary is made of, and a file of word vectors."""
    files = {"texts": plan.pretrain_texts(w.pretraining)}
    if plan.pretrain_vectors(w.pretraining):
        files["vectors"] = plan.pretrain_vectors(w.pretraining)[0]
    return files


def pretrain_facts():
    """What there is to say of each pretraining whose encoder a model takes."""
    folders = [plan.pretrain_folder(name) for name in plan.pretrainings_in_use()]
    return [f"{folder}/facts.json" for folder in folders]


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
    """A predictions file of every member of the ensembles, in its last round, or settled where rounds end by scores."""
    return [f"{last_folder(w.task, member)}/{name}.parquet" for member in plan.used()]


def last_folder(task, member):
    """Folder of the predictions that count in the end."""
    last = "settled" if plan.settles(member) else f"round{plan.last_round(member)}"
    return f"results/predict/{task}/{member}/{last}"


def trained_rounds(task, member, last=None):
    """Rounds that a member is trained in, up to ``last``; where they end when they stop helping, its verdicts say."""
    last = plan.last_round(member) if last is None else min(last, plan.last_round(member))
    if plan.settles(member):
        for number in range(1, last):
            if not verdict_on(task, member, number)["goes_on"]:
                return range(number + 1)
    return range(last + 1)


def verdict_on(task, member, number):
    """What was judged of a round; Snakemake asks again once it is there."""
    found = checkpoints.judge_round.get(task=task, member=member, round=number)
    return read_json(Path(found.output.out))


def counting_round(task, member, fold, last=None):
    """The round whose predictions count for a fold, of those up to ``last``."""
    number = trained_rounds(task, member, last)[-1]
    return verdict_on(task, member, number)["rounds"][fold] if number and plan.settles(member) else number


def rounds_in_use():
    """Every (member, round) that is trained."""
    return [(member, number) for member in plan.members for number in trained_rounds(TASK, member)]


def pseudo_labels(ending):
    """A file of every round and fold that rows were labelled for."""
    last = max(number for _, number in rounds_in_use())
    return [
        f"results/pseudo/{TASK}/round{number}/fold{fold}.{ending}"
        for number in range(1, last + 1)
        for fold in FOLDS
    ]


def settled_members(name):
    """A file of every member whose rounds end when they stop helping."""
    return [
        f"results/predict/{TASK}/{member}/settled/{name}" for member in plan.members if plan.settles(member)
    ]


def settled_files(w, name):
    """A predictions file of the round that counts for each fold."""
    return [
        f"results/predict/{w.task}/{w.member}/round{counting_round(w.task, w.member, fold)}/{name}.parquet"
        for fold in FOLDS
    ]


def last_verdict(w):
    """What was judged of a member's last round."""
    number = trained_rounds(w.task, w.member)[-1]
    return f"results/predict/{w.task}/{w.member}/round{number}/verdict.json"


def verdict_before(w):
    """What was judged of the round before."""
    number = int(w.round) - 1
    return {"last": f"results/predict/{w.task}/{w.member}/round{number}/verdict.json"} if number else {}


def settled_rounds(w):
    """Predictions of the members whose rounds end when they stop helping: of each round, and what counts."""
    members = [member for member in plan.members if plan.settles(member)]
    folders = [
        f"results/predict/{TASK}/{member}/{name}"
        for member in members
        for name in [*(f"round{number}" for number in trained_rounds(TASK, member)), "settled"]
    ]
    names = {"settled": "oof", "settled_tests": "test", "settled_folds": "test_folds"}
    return {key: [f"{folder}/{name}.parquet" for folder in folders] for key, name in names.items() if members}


def figures_files(w):
    """The test rows, for an ensemble that looks at figures of the texts, or one among all where none is named."""
    names = [w.method] if hasattr(w, "method") else []
    return {"test_texts": f"results/ingest/{w.task}/test.parquet"} if plan.reads_texts(*names) else {}


def votes(w, name):
    """A predictions file of each voter, in its round that counts for the fold before this one."""
    fold, before = int(w.fold), int(w.round) - 1
    rounds = {member: counting_round(w.task, member, fold, before) for member in plan.voters()}
    return [
        f"results/predict/{w.task}/{member}/round{number}/{name}.parquet" for member, number in rounds.items()
    ]


def unlabelled_votes(w):
    """What the same models say of each unlabelled file, and where its rows may be used."""
    names = plan.unlabelled_names()
    return (
        {
            "unlabelled_folds": [path for name in names for path in votes(w, f"unlabelled/{name}")],
            "placed": [f"results/folds/{w.task}/external/{name}.parquet" for name in names],
        }
        if names
        else {}
    )


def all_rounds(name):
    """A predictions file of every member in every round."""
    return [
        f"results/predict/{TASK}/{member}/round{number}/{name}.parquet"
        for member, number in plan.scored_rounds()
    ]


def sample_file(w):
    """The sample submission, where there is one."""
    sample = plan.config.tasks[plan.task].sample
    return {"sample": sample} if sample else {}


def trust_files(*names):
    """Files of stage adversarial, where it is on."""
    return expand("results/adversarial/{task}/{name}", task=plan.trusted(), name=names)


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

"""The plans of this run's tasks, and the functions that give rules their inputs. No rules here."""

import atexit
import os
import sys
from pathlib import Path
from types import SimpleNamespace

from snakemake.settings.types import SharedFSUsage

from podium import fetch, filecheck, gpu, guard, pulse
from podium.errors import UserError, shown
from podium.files import read_json
from podium.forecast import ask
from podium.plans import Plans
from scripts import job

# Threads that wait for each other must sleep: spinning ones slow training many times over on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

try:
    plans = Plans.from_raw(config, Path(workflow.basedir))
    if workflow.is_main_process:  # a job on a cluster need not read the files again
        filecheck.check_all(plans)
    PINS = {name: fetch.pin(name, Path(workflow.basedir, "envs/data.txt")) for name in fetch.RESOURCES}
except UserError as error:
    sys.exit(shown(error))

if workflow.is_main_process and ask.LIST in os.environ:
    atexit.register(lambda: answer_list(workflow, os.environ[ask.LIST]))

if workflow.is_main_process:
    os.environ[guard.MAIN_PROCESS] = guard.this_process()
    heart = pulse.Pulse(Path("."), beat=pulse.BEAT_SECONDS)
    os.environ[guard.PULSE] = heart.token if workflow.non_local_exec else ""

# Snakemake counts places on GPUs, as many for each device; a cluster's scheduler counts devices, and shares none.
PLACES = plans.config.gpu.jobs_per_device if workflow.local_exec and not workflow.remote_exec else 1
os.environ[gpu.JOBS] = str(PLACES)
if "gpu" in workflow.global_resources and PLACES > 1:
    workflow.register_resource("gpu", workflow.global_resources["gpu"].value * PLACES)

# Where jobs find copies of files that lie in an object store; jobs that share a disk with this process need none.
kept, usage = workflow.storage_settings, workflow.storage_settings.shared_fs_usage
if kept.default_storage_provider and SharedFSUsage.INPUT_OUTPUT not in usage:
    query = str(kept.default_storage_prefix).partition("://")[2]
    os.environ[job.STORE] = str(Path(kept.local_storage_prefix, kept.default_storage_provider, query))

mistakes = guard.Mistakes(Path("."))
run_lock = guard.RunLock(Path("."))
record = {}  # the path of this run's record, once it has begun
FOLDS, TASKS = plans.first.folds, list(plans)
SUBMISSION = plans.submission if plans.alone else "results/submission/{file}"


def one_of(names):
    """The pattern of a wildcard that is one of some names; without any it matches nothing."""
    return "|".join(names) or "(?!)"


# Rules of span tasks, and those that all tasks share, name their tasks by themselves
wildcard_constraints:
    task=one_of(plans.labelled()),
    view="[a-z][a-z0-9_]*",
    part="[a-z][a-z0-9_]*",
    method="[a-z][a-z0-9_]*",
    pretraining="[a-z][a-z0-9_]*",
    member="[a-z][a-z0-9_]*-s[0-9]+",
    fold="[0-9]+",
    round="[0-9]+",
    folder="[^/]+",
    encoder="[A-Za-z0-9.-]+",
    file="[^/]+",
    judge="[a-z][a-z0-9_]*|built-in",
    split="all|fold[0-9]+",


def places(gpus):
    """The resource ``gpu`` of a job: one place of a device, or all places of several."""
    return gpus if gpus < 2 else gpus * PLACES


def per_task(path):
    """Where a file of each task lies: as named where the competition has one task, else in a folder of this name."""
    stem, ending = os.path.splitext(path)
    return path if plans.alone else f"{stem}/{{task}}{ending}"


def its_task(w):
    """The task of a job whose files need not name it."""
    return plans.task_of_file(w.file) if hasattr(w, "file") else getattr(w, "task", TASKS[0])


def fetched_files():
    """What the rules of stage fetch make for this config."""
    return sorted({path for plan in plans.values() for path in fetched_for(plan)})


def fetched_for(plan):
    """The same for one task."""
    task = plan.config.tasks[plan.task]
    others = [plan.other_file(name).file for name in plan.other_names()]
    files = [task.train, task.test, task.holdout, *others]
    for member in plan.members:
        files += plan.encoder_files(member)
    for name, revision in plan.pretrain_encoders():
        files += plan.encoder_inputs(name, revision)
    for view in plan.config.text.views:
        files += plan.wordnet(view)
    for method in plan.config.augment:
        files += [*plan.augment_wordnet(method), *plan.augment_needs(method)]
    return [path for path in files if path and (path in plan.made or path.startswith("data/hub/"))]


def task_of(w):
    """The config block of the task."""
    return plans[w.task].config.tasks[w.task]


def test_files(w):
    """The test rows and the sample submission, where there is one."""
    task = task_of(w)
    return {"test": task.test} | ({"sample": task.sample} if task.sample else {})


def left_out(w):
    """How many rows of an external file were read, and left out by their label."""
    return (
        {"counts": f"results/ingest/{w.task}/{w.part}.counts.json"}
        if w.part in plans[w.task].external_names()
        else {}
    )


def rows_beside(w):
    """The train rows of the other tasks, and their folds."""
    others = [task for task in TASKS if task != w.task]
    ingested = [f"results/ingest/{task}/train.parquet" for task in others]
    dealt = [f"results/folds/{task}/folds.parquet" for task in others]
    return {"beside_train": ingested, "beside_folds": dealt} if others else {}


def profile_files(w):
    """What the profile reads."""
    tokenizer = plans[w.task].tokenizer()
    return test_files(w) | {"train": task_of(w).train} | ({"tokenizer": tokenizer[0]} if tokenizer else {})


def text_files(w):
    """The rows that a text view is made of, and the data of its steps."""
    stage = "ingest" if w.part in ("train", "test", *plans[w.task].other_names()) else "augment"
    files = {"table": f"results/{stage}/{w.task}/{w.part}.parquet"}
    wordnet = plans[w.task].wordnet(w.view)
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
    wordnet = plans[w.task].wordnet(w.view)
    return files | ({"wordnet": wordnet[0]} if wordnet else {})


def train_files(w):
    """What the training of one fold depends on besides folds, labels and the train rows."""
    model, number = plans[w.task].model(w.member), int(w.round)
    view = plans[w.task].tables(w.member)
    files = {"texts": f"{view}/train.parquet"}
    if plans[w.task].encoder_files(w.member):
        files["encoder"] = plans[w.task].encoder_files(w.member)
    if plans[w.task].overrides():
        files["overrides"] = f"results/noise/{w.task}/overrides.parquet"
    if model.noise:
        files["noise"] = f"results/noise/{w.task}/fold{w.fold}.parquet"
    if model.augment:
        files["augmented"] = [f"results/augment/{w.task}/{method}.parquet" for method in model.augment]
        files["augmented_texts"] = [f"{view}/{method}.parquet" for method in model.augment]
        judged = plans[w.task].judged_methods(model)
        if judged:
            files["verdicts"] = [
                f"results/augment/{w.task}/{method}/fold{w.fold}.parquet" for method in judged
            ]
    if plans[w.task].external_names():
        names = plans[w.task].external_names()
        files["external"] = [f"results/folds/{w.task}/external/{name}.parquet" for name in names]
        files["external_texts"] = [f"{view}/{name}.parquet" for name in names]
    if number:
        files["pseudo"] = f"results/pseudo/{w.task}/round{number}/fold{w.fold}.parquet"
        files["test_texts"] = f"{view}/test.parquet"
        if plans[w.task].unlabelled_names():
            files["unlabelled_texts"] = [
                f"{view}/{name}.parquet" for name in plans[w.task].unlabelled_names()
            ]
    return files


def joint_files(w):
    """What the training of one fold of several tasks depends on: each task's files, by its name and theirs."""
    files = {}
    for task in plans.joint_tasks(w.member):
        own = SimpleNamespace(task=task, member=w.member, round=w.round, fold=w.fold)
        ingested = f"results/ingest/{task}"
        named = {**train_files(own), "rows": f"{ingested}/train.parquet", "labels": f"{ingested}/labels.json"}
        named["folds"] = f"results/folds/{task}/folds.parquet"
        files |= {f"{task}__{name}": path for name, path in named.items() if name != "encoder"}
    if not plans.fuses(w.member):
        files["encoder"] = plans.joint(w.member).encoder_files(w.member)
    return files


def joint_start(w):
    """What joint training starts from beside its rows: a mean of encoders, the model of the round before."""
    folder, number = f"results/joint/{w.member}", int(w.round)
    found = {"fused": f"{folder}/round{number}/fold{w.fold}/fused"} if plans.fuses(w.member) else {}
    if number and plans.joint(w.member).distils(w.member):
        found["teacher"] = f"{folder}/round{number - 1}/fold{w.fold}/model"
    return found


def encoders_to_fuse(w):
    """Models of single tasks that were trained without the same fold, in the same round or their last before it."""
    return [
        f"{plans[task].fold_folder(member, trained_rounds(task, member, int(w.round))[-1], w.fold)}/model"
        for task, member in plans.fused(w.member)
    ]


def span_files(w):
    """What the training of one fold of a span task depends on besides folds and the train rows."""
    plan, augment = plans[w.task], plans[w.task].model(w.member).augment
    files = {}
    if plan.encoder_files(w.member):
        files["encoder"] = plan.encoder_files(w.member)
    if augment:
        files["augmented"] = [f"results/augment/{w.task}/{method}.parquet" for method in augment]
    if int(w.round):
        files["pseudo"] = f"results/pseudo/{w.task}/round{w.round}/fold{w.fold}.parquet"
        files["test"] = f"results/ingest/{w.task}/test.parquet"
    return files


def overrides_file(w):
    """A person's word on single rows, where there is any."""
    return {"overrides": f"results/noise/{w.task}/overrides.parquet"} if plans[w.task].overrides() else {}


def judge_files(w):
    """What a judge of labels reads its rows from."""
    files = {"texts": f"{plans[w.task].judge_tables(w.judge)}/train.parquet"}
    if plans[w.task].judge_encoder(w.judge):
        files["encoder"] = plans[w.task].judge_encoder(w.judge)
    return files | overrides_file(w)


def augment_files(w):
    """What an augmentation reads besides the train rows: WordNet, and a dictionary, an encoder or models."""
    files = {"needs": plans[w.task].augment_needs(w.method)} if plans[w.task].augment_needs(w.method) else {}
    wordnet = plans[w.task].augment_wordnet(w.method)
    return files | ({"wordnet": wordnet[0]} if wordnet else {})


def start_files(w):
    """The texts that a new network's vocabulary is made of, and a file of word vectors."""
    files = {"texts": plans.first.pretrain_texts(w.pretraining)}
    if plans.first.pretrain_vectors(w.pretraining):
        files["vectors"] = plans.first.pretrain_vectors(w.pretraining)[0]
    return files


def pretrain_facts():
    """What there is to say of each pretraining whose encoder a model takes."""
    folders = [plans.first.pretrain_folder(name) for name in plans.first.pretrainings_in_use()]
    return [f"{folder}/facts.json" for folder in folders]


def judged_made():
    """The label verdicts of every fold on the rows of the augmentations that ask for them."""
    return [
        f"results/augment/{task}/{method}/fold{fold}.parquet"
        for task, plan in plans.items()
        for method, block in plan.config.augment.items()
        if block.filter.label is not None
        for fold in FOLDS
    ]


def teacher_file(w):
    """The fold's model of the round before, for a member that learns from itself."""
    if not int(w.round) or not plans[w.task].distils(w.member):
        return {}
    return {"teacher": f"{plans[w.task].fold_folder(w.member, int(w.round) - 1, w.fold)}/model"}


def test_models(w):
    """The models that predict the test rows for the submission, where they are not the fold models themselves."""
    if not plans[w.task].refits(w.member) or int(w.round) != plans[w.task].last_round(w.member):
        return {}
    folders = [plans[w.task].fold_folder(w.member, w.round, fold) for fold in FOLDS]
    return {"refit_models": [f"{folder}/refit" for folder in folders]}


def fold_files(w, name):
    """A file of each fold's training."""
    return [f"{plans[w.task].fold_folder(w.member, w.round, fold)}/{name}" for fold in FOLDS]


def last_predictions(w, name):
    """A predictions file of every member of the ensembles, in its last round, or settled where rounds end by scores."""
    return [f"{last_folder(w.task, member)}/{name}.parquet" for member in plans[w.task].used()]


def last_folder(task, member):
    """Folder of the predictions that count in the end."""
    plan = plans[task]
    last = "settled" if plan.settles(member) else f"round{plan.last_round(member)}"
    return f"results/predict/{task}/{member}/{last}"


def trained_rounds(task, member, last=None):
    """Rounds that a member is trained in, up to ``last``; where they end when they stop helping, its verdicts say."""
    plan = plans[task]
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
    return (
        verdict_on(task, member, number)["rounds"][fold] if number and plans[task].settles(member) else number
    )


def rounds_in_use(task):
    """Every (member, round) that a task needs."""
    return [(member, number) for member in plans[task].members for number in trained_rounds(task, member)]


def pseudo_labels(task, ending):
    """A file of every round and fold that rows were labelled for."""
    last = max(number for _, number in rounds_in_use(task))
    return [
        f"results/pseudo/{task}/round{number}/fold{fold}.{ending}"
        for number in range(1, last + 1)
        for fold in FOLDS
    ]


def settled_members(name):
    """A file of every member whose rounds end when they stop helping."""
    return [
        f"results/predict/{task}/{member}/settled/{name}"
        for task, plan in plans.items()
        for member in plan.members
        if plan.settles(member)
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
    task = its_task(w)
    members = [member for member in plans[task].members if plans[task].settles(member)]
    folders = [
        f"results/predict/{task}/{member}/{name}"
        for member in members
        for name in [*(f"round{number}" for number in trained_rounds(task, member)), "settled"]
    ]
    names = {"settled": "oof", "settled_tests": "test", "settled_folds": "test_folds"}
    return {key: [f"{folder}/{name}.parquet" for folder in folders] for key, name in names.items() if members}


def figures_files(w):
    """The test rows, for an ensemble that looks at figures of the texts, or one among all where none is named."""
    names = [w.method] if hasattr(w, "method") else []
    return (
        {"test_texts": f"results/ingest/{w.task}/test.parquet"} if plans[w.task].reads_texts(*names) else {}
    )


def votes(w, name):
    """A predictions file of each voter, in its round that counts for the fold before this one."""
    fold, before = int(w.fold), int(w.round) - 1
    rounds = {member: counting_round(w.task, member, fold, before) for member in plans[w.task].voters()}
    return [
        f"results/predict/{w.task}/{member}/round{number}/{name}.parquet" for member, number in rounds.items()
    ]


def unlabelled_votes(w):
    """What the same models say of each unlabelled file, and where its rows may be used."""
    names = plans[w.task].unlabelled_names()
    return (
        {
            "unlabelled_folds": [path for name in names for path in votes(w, f"unlabelled/{name}")],
            "placed": [f"results/folds/{w.task}/external/{name}.parquet" for name in names],
        }
        if names
        else {}
    )


def all_rounds(w, *names):
    """Predictions files of every member in every round."""
    task = its_task(w)
    return [
        f"results/predict/{task}/{member}/round{number}/{name}.parquet"
        for member, number in plans[task].scored_rounds()
        for name in names
    ]


def all_ensembles(w, name):
    """A file of every ensemble."""
    task = its_task(w)
    return [f"results/ensemble/{task}/{method}/{name}" for method in plans[task].ensembles()]


def of_task(path):
    """An input function: the file of the job's task."""
    return lambda w: path.format(task=its_task(w), submit=plans.first.config.ensemble.submit)


def sample_file(w):
    """The sample submission, where there is one."""
    task = its_task(w)
    sample = plans[task].config.tasks[task].sample
    return {"sample": sample} if sample else {}


def trust_files(tasks, *names):
    """Files of stage adversarial, where it is on."""
    return [f"results/adversarial/{task}/{name}" for task in tasks if plans[task].trusted() for name in names]


def page_files(w):
    """What the report's page shows of stages that not every task has."""
    plan, noise = plans[w.task], f"results/noise/{w.task}"
    folders = plan.token_tables()
    files = {}
    if folders:
        files["tokens"] = [f"{folder}/train.parquet" for folder in folders]
        files["tested_tokens"] = [f"{folder}/test.parquet" for folder in folders]
    if plan.judged:
        files["noise"] = [f"{noise}/review.csv", f"{noise}/summary.json"]
    settled = [member for member in plan.members if plan.settles(member)]
    if settled:
        files["settled"] = [f"results/predict/{w.task}/{member}/settled/oof.parquet" for member in settled]
    return files


def fold_models(task):
    """The models of every member, round and fold of a task."""
    return [
        f"{plans[task].fold_folder(member, number, fold)}/model"
        for member, number in rounds_in_use(task)
        for fold in FOLDS
    ]

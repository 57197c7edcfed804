"""The plans of this run's tasks, and what all rules share: names, wildcards, where files lie. No rules here."""

import atexit
import os
import sys
from pathlib import Path
from types import SimpleNamespace

from snakemake.settings.types import SharedFSUsage

from podium import fetch, filecheck, gpu, guard, object_store, pulse
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

if kept.default_storage_provider == "s3":
    from snakemake_storage_plugin_s3 import StorageObject

    object_store.see_new_folders(StorageObject)

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

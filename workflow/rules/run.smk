"""How a run begins and ends: its lock, its records, the list of its jobs, what it says. No rules here."""

import time

from podium import environment, runs
from podium.forecast.jobs import from_plain
from podium.live import notes as live_notes


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
        if asked & {path, *names} and Path(path).is_file():  # it may lie in an object store
            print(f"\n{Path(path).read_text(encoding='utf-8')}", end="")
    page = "results/report/index.html"
    if asked & {"all", "report", page} and Path(page).is_file():
        print(f"\nall of it, with figures: {page}")


def take_run_lock(targets):
    """Refuse to run beside another run in this folder, or over the results of another competition."""
    try:
        run_lock.acquire()
        if "clean_results" not in targets:
            guard.claim(Path("results"), plans.config.competition)
        guard.sweep(Path("."))
        if heart.left():
            print(
                "podium: a run was killed here; waiting until its jobs on other machines have ended",
                flush=True,
            )
        if heart.left() or workflow.non_local_exec:
            heart.start()
            atexit.register(heart.stop)
    except UserError as error:
        sys.exit(shown(error))
    mistakes.clear()
    if "clean_results" not in targets:
        begin_record(targets)


def begin_record(targets):
    """Note what this run is of, for `python -m podium explain` and `compare`; no rule reads it."""
    asked = workflow.dag_settings
    record["path"] = runs.begin(
        Path("results"),
        started=time.time(),
        targets=targets,
        partial=bool(asked.until or asked.omit_from),
        config_files=[os.path.relpath(path) for path in workflow.overwrite_configfiles],
        config=plans.config.model_dump(),
        versions=runs.versions_of(environment.required(Path(workflow.basedir, "envs"))),
    )


def end_record(ok):
    """Note how the run ended."""
    if "path" in record:
        runs.end(record["path"], ended=time.time(), ok=ok)


def list_jobs(workflow):
    """Every job that runs a script, each after what it needs, and the names of those that are to be done."""
    dag = workflow.dag
    levels = [sorted(level, key=str) for level in dag.toposorted()]
    listed = {job: str(job.log[0]) for level in levels for job in level if job.is_script}
    jobs = [
        {
            "name": name,
            "rule": job.rule.name,
            "wildcards": dict(job.wildcards_dict),
            "threads": job.threads,
            "gpus": job.resources.get("gpu", 0),
            "needs": sorted(listed[other] for other in dag.dependencies[job] if other in listed),
        }
        for job, name in listed.items()
    ]
    return from_plain(jobs), [name for job, name in listed.items() if dag.needrun(job)]


def note_start(workflow):
    """Write down what this run is going to do, for `python -m podium watch`."""
    gpus, given = workflow.global_resources.get("gpu"), workflow.resource_settings
    jobs, pending = list_jobs(workflow)
    live_notes.begin(
        Path("."),
        [job for job in jobs if job.name in set(pending)],
        cores=given.cores or given.nodes or 1,
        gpus=gpus.value if gpus else None,
        open=any(workflow.dag.checkpoint_jobs),
        config=config,
    )


def answer_list(workflow, path):
    """Tell `python -m podium doctor` the jobs, where the process came so far as to know them."""
    if workflow.dag is not None:
        ask.answer(Path(path), *list_jobs(workflow))


def holdout_file(w):
    """The true labels of the test rows; the run ends where the config names none."""
    task = its_task(w)
    holdout = plans[task].config.tasks[task].holdout
    if holdout is None:
        sys.exit(
            f"podium: config: tasks.{task}.holdout: check_holdout needs the true labels of the test rows"
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

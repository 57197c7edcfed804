"""A real run seen from outside while it goes on, when it has ended, and when a job of it failed."""

import copy
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
from tiny import CONFIG, ROOT, Clone

from podium import guard, progress
from podium.forecast import ask
from podium.live import notes
from podium.live.view import look


def podium(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "podium", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_finished_run_told_all_of_its_jobs(finished: Clone) -> None:
    """Every job of the list left a note, and the dry run that the doctor asks lists the same jobs."""
    run = notes.read(finished.folder)
    assert run is not None
    assert {job.name for job in run.jobs} == set(run.notes)
    assert {note["state"] for note in run.notes.values()} == {"done"}
    assert all((finished.folder / job.benchmark).is_file() for job in run.jobs)
    now = look(run, None, time.time())
    assert (now.status, now.done, now.total, now.failed) == ("finished", len(run.jobs), len(run.jobs), [])
    networks = [note for name, note in run.notes.items() if "/encoder-s0/" in name and "/train/" in name]
    assert len(networks) == 3
    assert all(note["device"] for note in networks)
    listed, pending = ask.ask([Path("config.yaml")], finished.folder)
    assert pending == []
    known = {job.name: job for job in run.jobs}
    fetched = {job.name for job in listed if job.rule.startswith("fetch_")}  # what they make was there before
    listed = [job for job in listed if job.name not in fetched]
    assert {job.name for job in listed} < set(known)  # the run also compared with the hold-out labels
    alike = ("rule", "wildcards", "gpus", "threads")
    for job in listed:
        assert [getattr(job, key) for key in alike] == [getattr(known[job.name], key) for key in alike]
    shown = podium(finished.folder, "watch")
    assert shown.returncode == 0
    assert shown.stdout.startswith("tiny: finished after")
    stray = [path for path in (finished.folder / "results").rglob("*") if path.suffix == ".part"]
    assert stray == []


def test_a_job_s_threads_are_its_own_however_few_cores_there_are(finished: Clone) -> None:
    config = copy.deepcopy(CONFIG)
    config["models"]["encoder"]["threads"] = 5
    finished.configure(config)
    try:
        listed, pending = ask.ask([Path("config.yaml")], finished.folder)
    finally:
        finished.configure(CONFIG)
    assert {job.threads for job in listed if job.rule == "train_fold" and "/encoder-s0/" in job.name} == {5}
    assert pending


def test_a_run_is_seen_while_it_goes_on(make_clone: Any) -> None:
    clone = make_clone("watched", CONFIG)
    command = clone.command("folds", "text", warm=True)
    with (clone.folder / "output.txt").open("w") as output:
        process = subprocess.Popen(command, cwd=clone.folder, stdout=output, stderr=output)
    try:
        seen = None
        while process.poll() is None and (seen is None or not seen.running):
            run = notes.read(clone.folder)
            seen = None if run is None else look(run, None, time.time())
            time.sleep(0.05)
        assert seen is not None, (clone.folder / "output.txt").read_text()
        assert seen.status == "running"
        watched = podium(clone.folder, "watch", "--json")
    finally:
        process.wait()
    told = [json.loads(line) for line in watched.stdout.splitlines()]
    assert watched.returncode == 0, watched.stderr
    assert told[-1]["status"] == "finished"
    assert told[-1]["done"] == told[-1]["total"] == len(list((clone.folder / progress.FOLDER).iterdir()))
    done = [line["done"] for line in told]
    assert done == sorted(done)


def test_a_failed_job_is_told_with_its_line_and_log(make_clone: Any) -> None:
    clone = make_clone("failing", CONFIG)
    path = clone.folder / "data/tiny/train.csv"
    rows = pd.read_csv(path, dtype="str")
    rows.loc[1, "id"] = rows.loc[0, "id"]
    rows.to_csv(path, index=False)
    done = clone.snakemake("ingest", check=False, warm=True)
    assert done.returncode == 1
    shown = podium(clone.folder, "watch", "--once")
    assert shown.returncode == 1
    assert "tiny: failed after" in shown.stdout
    # two jobs read the file, and Snakemake may start either first
    found = re.search(r"^  failed: (ingest/topic_(?:train|profile)): (.*)$", shown.stdout, re.MULTILINE)
    assert found, shown.stdout
    assert str(rows.loc[0, "id"]) in found[2]
    assert found[2].endswith(f"(log: results/logs/{found[1]}.log)")
    doctor = podium(clone.folder, "doctor", "--no-measure", "--json", "doctor.json")
    assert doctor.returncode == 1
    assert str(rows.loc[0, "id"]) in doctor.stdout
    assert json.loads((clone.folder / "doctor.json").read_text())["fine"] is False


def test_the_notes_of_a_run_are_no_results() -> None:
    """They lie where Snakemake's own records are, and their code makes no result old."""
    assert progress.FOLDER.parts[0] == ".snakemake"
    assert "podium/progress.py" in (ROOT / "podium/rerun.py").read_text()
    assert guard.alive(guard.this_process())

"""Mistakes in the names of the files to hand in."""

from collections.abc import Iterator

from podium.config import Config
from podium.submission_files import form_of


def submission_checks(config: Config) -> Iterator[str]:
    """Yield a line for each mistake."""
    names: dict[str, str] = {}
    for task_name, task in config.tasks.items():
        where, file = f"tasks.{task_name}.submission.file", task.submission.file
        if file is None:
            continue
        other = names.setdefault(file.casefold(), where)
        if other != where:
            yield f"{where}: {file} is the name of {other}, too"
        if task.sample is not None and (form_of(file) == "jsonl") != (form_of(task.sample) == "jsonl"):
            yield (
                f"{where}: {file} and the sample {task.sample} are of two forms, and the sample's is copied; "
                "give it the sample's ending, or take one of them out"
            )

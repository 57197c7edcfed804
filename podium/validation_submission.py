"""Mistakes in the names of the files to hand in."""

from collections.abc import Iterator

from podium.config import Config
from podium.submission_files import file_name, form_of

_TAKEN = ("scores.csv", "scores.json")  # what stands beside it


def submission_checks(config: Config) -> Iterator[str]:
    """Yield a line for each mistake."""
    names: dict[str, str] = {}
    for task_name, task in config.tasks.items():
        where, file = f"tasks.{task_name}.submission.file", task.submission.file
        name = file_name(file, task.sample, stem=task_name)
        other = names.setdefault(name.casefold(), task_name)
        if other != task_name:
            yield f"{where}: the file of task {other} is called {name}, too; choose another name"
        if file is None:
            continue
        if len(config.tasks) == 1 and file.casefold() in _TAKEN:
            yield f"{where}: results/{file} is the table of scores; choose another name"
        if task.sample is not None and (form_of(file) == "jsonl") != (form_of(task.sample) == "jsonl"):
            yield (
                f"{where}: {file} and the sample {task.sample} are of two forms, and the sample's is copied; "
                "give it the sample's ending, or take one of them out"
            )

"""The files of competitions/tianchi_multitask.yaml, made of public data sets: ``--write data/tianchi``.

OCNLI and TNEWS are the competition's own tasks; Chinese sentiment reviews stand in for OCEMOTION, under its file names
and two of its labels. The test parts are the sets' own (of OCNLI the development part; of the reviews only those whose
text no training row has), their true labels stand in files of their own. Files are written as the competition's are:
tab-separated, no header line, no quoted fields, ids from 0 in every file.
"""

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from bench import data_sets
from bench.runs import plain_errors
from podium.files import write_csv, write_text


@dataclass(frozen=True)
class Part:
    """A task of the competition: its name in file names, the data set, and labels that are written otherwise."""

    file: str
    data: str
    labels: dict[str, str] = field(default_factory=dict)


TASKS = {
    "ocnli": Part("OCNLI", "ocnli", {"entailment": "0", "neutral": "1", "contradiction": "2"}),
    "ocemotion": Part("OCEMOTION", "sentiment", {"0": "sadness", "1": "happiness"}),
    "tnews": Part("TNEWS", "tnews"),
}
TRAIN, TEST, HOLDOUT = "{}_train1128.csv", "{}_a.csv", "holdout_{}.csv"


def main() -> None:
    """Write the files, and say how they are used."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, required=True, help="the folder, data/tianchi for the config")
    parser.add_argument("--rows", type=int, help="at most as many training and test rows of each task")
    given = parser.parse_args()
    for line in write(given.write, given.rows):
        print(line)
    holdouts = ", ".join(f"{task}: {{holdout: {given.write / HOLDOUT.format(task)}}}" for task in TASKS)
    print(f"snakemake --configfile competitions/tianchi_multitask.yaml --config 'tasks={{{holdouts}}}'")


def write(folder: Path, rows: int | None) -> list[str]:
    """Write the training, test and hold-out file of each task; ``rows`` cuts the parts, stratified by label.

    Returns
    -------
    A line for each task that says what was written.
    """
    told = []
    for task, part in TASKS.items():
        data = data_sets.load(part.data)
        train, test = (
            _in_form(data_sets.subset(table, rows), part.labels) for table in (data.train, data.test)
        )
        _write_bare(train, folder / TRAIN.format(part.file))
        _write_bare(test.drop(columns="target"), folder / TEST.format(part.file))
        holdout = test[["id", "target"]].rename(columns={"target": "label"})
        write_csv(holdout, folder / HOLDOUT.format(task))
        told.append(
            f"{folder}: {task} has {len(train)} training rows, {len(test)} test rows, "
            f"{train['target'].nunique()} labels"
        )
    return told


def _in_form(table: pd.DataFrame, labels: dict[str, str]) -> pd.DataFrame:
    """Ids from 0, texts, label; no text holds what ends a field or a line."""
    made = table.reset_index(drop=True).assign(id=[str(row) for row in range(len(table))])
    made["target"] = made["target"].map(lambda label: labels.get(label, label))
    segments = [name for name in ("text_a", "text_b") if name in made]
    for name in segments:
        made[name] = made[name].str.replace(r"[\t\r\n]+", " ", regex=True)
    return made[["id", *segments, "target"]]


def _write_bare(table: pd.DataFrame, path: Path) -> None:
    lines = ("\t".join(row) for row in table.itertuples(index=False, name=None))
    write_text("".join(f"{line}\n" for line in lines), path)


if __name__ == "__main__":
    with plain_errors():
        main()

"""The files of competitions/hw7_qa.yaml and squad_part.yaml, made of public data: ``--write``, ``--squad``.

CMRC 2018 (Chinese, simplified) stands in for homework 7 (Chinese, traditional), in the homework's own form: its
development part is what is learned from, its trial part what is asked. The two were annotated otherwise: answers have
11 letters on average in the former and 31 in the latter, so scores of the trial part are lower than cross-validated
ones. With ``--test dev`` a fifth of the development part's paragraphs is asked instead. The homework publishes one
answer for a question; of CMRC's three the one that most annotators gave is taken, of equals the first. ``--join`` puts
several files of that form into one, such as the homework's train and dev. The part of SQuAD 2.0 is split by articles:
all but the last one to learn from.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench import data_sets
from bench.runs import plain_errors
from podium.errors import UserError
from podium.files import write_text
from podium.span.files import read_questions

TRAIN, TEST, HOLDOUT = "hw7_train.json", "hw7_test.json", "holdout.json"
SQUAD = {"train": "train.json", "test": "test.json", "holdout": HOLDOUT}
Json = dict[str, Any]


def main() -> None:
    """Write the files, and say how they are used."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, help="the folder of homework 7, data/hw7 for the config")
    parser.add_argument(
        "--squad", type=Path, help="the folder of SQuAD's part, data/squad_part for the config"
    )
    parser.add_argument(
        "--test",
        choices=["trial", "dev"],
        default="trial",
        help="of --write: what is asked, trial or a fifth of dev",
    )
    parser.add_argument("--rows", type=int, help="some as many questions of each part, on whole paragraphs")
    parser.add_argument("--join", type=Path, nargs="+", help="files of homework 7 to put into one, `--out`")
    parser.add_argument("--out", type=Path, help="the file that `--join` writes")
    given = parser.parse_args()
    if (given.join and not given.out) or not (given.join or given.write or given.squad):
        parser.error("say --write FOLDER, --squad FOLDER, or --join FILE FILE --out FILE")
    if given.join:
        print(join(given.join, given.out))
    if given.write:
        print(write_homework(given.write, given.rows, given.test))
    if given.squad:
        print(write_squad(given.squad, given.rows))
    for folder, task, name in ((given.write, "qa", "hw7_qa"), (given.squad, "squad", "squad_part")):
        if folder is not None:
            holdout = f"tasks={{{task}: {{holdout: {folder / HOLDOUT}}}}}"
            print(f"snakemake --configfile competitions/{name}.yaml --config '{holdout}'")


def write_homework(folder: Path, rows: int | None, test: str = "trial") -> str:
    """Write CMRC 2018 as homework 7: train, test without answers, and the test questions with theirs.

    ``rows`` cuts each part to some as many questions; ``test`` is the part that is asked, ``trial`` or a fifth of
    ``dev``. Returns a line that says what was written.
    """
    learned = _read("cmrc2018/dev.json")
    if test == "trial":
        asked_of = _read("cmrc2018/trial.json")
    else:
        asked_of, learned = parted(learned, sum(len(part["qas"]) for _, part in _paragraphs(learned)) // 5)
    parts = {TRAIN: homework(some(learned, rows)), HOLDOUT: homework(some(asked_of, rows))}
    asked = [
        question | dict.fromkeys(("answer_text", "answer_start", "answer_end"))
        for question in parts[HOLDOUT]["questions"]
    ]
    parts[TEST] = parts[HOLDOUT] | {"questions": asked}
    for file, content in parts.items():
        _write(content, folder / file)
    return f"{folder}: {len(parts[TRAIN]['questions'])} questions to learn from, {len(asked)} to answer"


def write_squad(folder: Path, rows: int | None) -> str:
    """Write the part of SQuAD 2.0: all articles but the last, the last without answers, and with its own.

    ``rows`` cuts each part to some as many questions. Returns a line that says what was written.
    """
    content = _read("squad/dev_part.json")
    train, test = (
        some(content | {"data": articles}, rows) for articles in (content["data"][:-1], content["data"][-1:])
    )
    parts = {"train": train, "test": _unanswered(test), "holdout": test}
    for name, part in parts.items():
        _write(part, folder / SQUAD[name])
    numbers = [sum(len(paragraph["qas"]) for _, paragraph in _paragraphs(part)) for part in (train, test)]
    return f"{folder}: {numbers[0]} questions to learn from, {numbers[1]} of another article to answer"


def homework(squad: Json) -> Json:
    """Return SQuAD's form as homework 7's: numbered ids, one answer, its last letter's own place."""
    questions: list[Json] = []
    paragraphs: list[str] = []
    for _, paragraph in _paragraphs(squad):
        for asked in paragraph["qas"]:
            start, text = usual(asked["answers"])
            question = {
                "id": len(questions),
                "paragraph_id": len(paragraphs),
                "question_text": asked["question"],
            }
            end = start + len(text) - 1
            questions.append(question | {"answer_text": text, "answer_start": start, "answer_end": end})
        paragraphs.append(paragraph["context"])
    return {"questions": questions, "paragraphs": paragraphs}


def usual(answers: Sequence[Json]) -> tuple[int, str]:
    """Return place and text of the answer that most annotators gave; of equals the first."""
    texts = Counter(answer["text"] for answer in answers)
    chosen = next(answer for answer in answers if texts[answer["text"]] == max(texts.values()))
    return chosen["answer_start"], chosen["text"]


def some(squad: Json, rows: int | None) -> Json:
    """Return some ``rows`` questions, on whole paragraphs drawn at random of all articles; None: all."""
    return squad if rows is None else parted(squad, rows)[0]


def parted(squad: Json, rows: int) -> tuple[Json, Json]:
    """Return some ``rows`` questions, on whole paragraphs drawn at random of all articles, and the other ones."""
    sizes = {place: len(paragraph["qas"]) for place, paragraph in _paragraphs(squad)}
    places = list(sizes)
    drawn: set[tuple[int, int]] = set()
    for number in np.random.default_rng(0).permutation(len(places)).tolist():
        if sum(sizes[place] for place in drawn) < rows:
            drawn.add(places[number])
    return _only(squad, drawn), _only(squad, set(places) - drawn)


def _only(squad: Json, places: set[tuple[int, int]]) -> Json:
    articles = [
        article
        | {"paragraphs": [part for at, part in enumerate(article["paragraphs"]) if (number, at) in places]}
        for number, article in enumerate(squad["data"])
    ]
    return squad | {"data": [article for article in articles if article["paragraphs"]]}


def join(files: Sequence[Path], out: Path) -> str:
    """Put files of homework 7 into one; ids begin with their file's name. Return a line that says what was written.

    Raises
    ------
    UserError
        A file is not of that form, or two have one name.
    """
    if len({file.stem for file in files}) < len(files):
        raise UserError("--join: two files have the same name, and so would their questions; rename one")
    questions: list[Json] = []
    paragraphs: list[str] = []
    for file in files:
        _, form = read_questions(file, None, encoding=None, separator=None)
        if form != "hw7":
            raise UserError(f"--join: {file} has the form of {form}, not that of homework 7")
        content = json.loads(file.read_bytes().decode("utf-8-sig"))
        for asked in content["questions"]:
            moved = {
                "id": f"{file.stem}-{asked['id']}",
                "paragraph_id": asked["paragraph_id"] + len(paragraphs),
            }
            questions.append(asked | moved)
        paragraphs += content["paragraphs"]
    _write({"questions": questions, "paragraphs": paragraphs}, out)
    return f"{out}: {len(questions)} questions of {len(files)} files"


def _paragraphs(squad: Json) -> list[tuple[tuple[int, int], Json]]:
    """Number of article and paragraph, and the paragraph."""
    return [
        ((number, at), paragraph)
        for number, article in enumerate(squad["data"])
        for at, paragraph in enumerate(article["paragraphs"])
    ]


def _unanswered(squad: Json) -> Json:
    """The questions without all that tells their answers."""
    articles = []
    for article in squad["data"]:
        bare = [
            {
                "context": part["context"],
                "qas": [{key: asked[key] for key in ("id", "question")} for asked in part["qas"]],
            }
            for part in article["paragraphs"]
        ]
        articles.append({"title": article["title"], "paragraphs": bare})
    return {**squad, "data": articles}


def _read(name: str) -> Json:
    content: Json = json.loads(data_sets.given_file(name).read_text(encoding="utf-8"))
    return content


def _write(content: Json, path: Path) -> None:
    write_text(json.dumps(content, ensure_ascii=False) + "\n", path)


if __name__ == "__main__":
    with plain_errors():
        main()

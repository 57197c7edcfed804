"""The competitions of span question answering: their configs are valid, and the stand-ins for their files are read."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from bench.qa_data import homework, join, parted, some, usual, write_homework, write_squad
from podium.errors import UserError
from podium.filecheck import check
from podium.plans import Plans
from podium.span.answers import decode_all
from podium.submission import write_submission
from podium.submission_columns import Form
from podium.validation import load
from scripts import ingest_questions

COMPETITIONS = Path(__file__).parents[2] / "competitions"
needs_data = pytest.mark.skipif(
    not os.environ.get("PODIUM_DATA"), reason="PODIUM_DATA names no folder of data sets"
)


def read(name: str) -> dict[str, Any]:
    raw: dict[str, Any] = yaml.safe_load((COMPETITIONS / f"{name}.yaml").read_text(encoding="utf-8"))
    return raw


def commented(name: str, key: str) -> dict[str, Any]:
    """The block ``key`` that stands in a comment."""
    text = (COMPETITIONS / f"{name}.yaml").read_text(encoding="utf-8")
    found = re.search(rf"(?m)^( *)# {key}:\n((?:\1# .*\n)+)", text)
    assert found is not None
    block: dict[str, Any] = yaml.safe_load(re.sub("(?m)^ *# ", "", found[0]))
    return block


def squad(*sizes: int) -> dict[str, Any]:
    """Articles of some paragraphs, each with three questions."""
    context = "It rained, the sea was warm, and nobody swam."
    articles = []
    for number, paragraphs in enumerate(sizes):
        parts = []
        for at in range(paragraphs):
            answers = [{"text": text, "answer_start": context.index(text)} for text in ("It", "sea", "sea")]
            asked = [
                {"id": f"{number}.{at}.{n}", "question": f"What {n}?", "answers": answers} for n in range(3)
            ]
            parts.append({"context": context, "qas": asked})
        articles.append({"title": str(number), "paragraphs": parts})
    return {"version": "1", "data": articles}


def test_the_configs_and_what_stands_in_their_comments_are_valid() -> None:
    raw = read("hw7_qa")
    assert load(raw).tasks["qa"].metric == "exact_without_commas"
    own = raw | commented("hw7_qa", "pretrain")
    own["models"]["reader"]["encoder"] = "pretrain/paragraphs"
    scratch = load(own).pretrain["paragraphs"].scratch
    assert scratch is not None
    assert scratch.positions >= own["models"]["reader"]["max_length"]
    raw = read("squad_part")
    assert load(raw).tasks["squad"].data.group == "article"  # type: ignore[union-attr]
    raw["augment"] |= commented("squad_part", "back")
    raw["models"]["retriever"]["augment"] = ["back"]
    load(raw)


def test_homeworks_form_has_one_answer_and_its_last_letters_place() -> None:
    made = homework(squad(1, 2))
    assert [question["id"] for question in made["questions"]] == list(range(9))
    for question in made["questions"]:
        context = made["paragraphs"][question["paragraph_id"]]
        assert question["answer_text"] == "sea"
        assert context[question["answer_start"] : question["answer_end"] + 1] == "sea"
    every = [{"text": text, "answer_start": place} for place, text in enumerate("abc")]
    assert usual(every) == (0, "a")


def test_some_questions_are_whole_paragraphs_of_all_articles() -> None:
    whole = squad(20, 20)
    assert some(whole, None) == whole
    cut = some(whole, 30)
    assert [len(article["paragraphs"]) > 0 for article in cut["data"]] == [True, True]
    kept = [part for article in cut["data"] for part in article["paragraphs"]]
    assert len(kept) == 10
    assert all(len(part["qas"]) == 3 for part in kept)
    assert some(whole, 10**6) == whole
    whole["data"][0]["paragraphs"][0]["context"] = "another"
    taken, rest = (
        [part for article in made["data"] for part in article["paragraphs"]] for made in parted(whole, 30)
    )
    assert (len(taken), len(rest)) == (10, 30)
    assert sum(part["context"] == "another" for part in [*taken, *rest]) == 1


def test_joined_files_keep_each_question_with_its_paragraph(tmp_path: Path) -> None:
    files = [tmp_path / "train.json", tmp_path / "dev.json"]
    for file, word in zip(files, ("sea", "lake"), strict=True):
        content = json.dumps(homework(squad(2))).replace("sea", word)
        file.write_text(content, encoding="utf-8")
    join(files, tmp_path / "both.json")
    both = json.loads((tmp_path / "both.json").read_text(encoding="utf-8"))
    ids = [question["id"] for question in both["questions"]]
    assert ids == [f"{name}-{number}" for name in ("train", "dev") for number in range(6)]
    for question in both["questions"]:
        word = "sea" if question["id"].startswith("train") else "lake"
        assert word in both["paragraphs"][question["paragraph_id"]]
    with pytest.raises(UserError, match="same name"):
        join([files[0], files[0]], tmp_path / "twice.json")
    other = tmp_path / "squad.json"
    other.write_text(json.dumps(squad(1)), encoding="utf-8")
    with pytest.raises(UserError, match="form of squad"):
        join([files[0], other], tmp_path / "mixed.json")


@needs_data
@pytest.mark.parametrize(
    ("name", "task", "folder"), [("hw7_qa", "qa", "hw7"), ("squad_part", "squad", "squad_part")]
)
def test_the_written_files_are_read_by_the_config(
    name: str, task: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write = write_homework if folder == "hw7" else write_squad
    write(Path("data") / folder, 200)
    raw = read(name)
    raw["tasks"][task]["holdout"] = f"data/{folder}/holdout.json"
    raw |= {"models": {"retriever": {"kind": "retriever"}}, "pseudo": {"rounds": 0}}
    plan = Plans.from_raw(raw, tmp_path)[task]
    check(plan)
    rows = {}
    for part, file in (("train", "train"), ("test", "test"), ("holdout", "holdout")):
        paths = {"out": tmp_path / part, "counts": tmp_path / f"{part}.json"}
        answered = {} if part == "test" else {"labels": tmp_path / "labels"}
        ingest_questions.main(questions=Path(raw["tasks"][task][file]), **paths, **answered, **plan.ingest())
        rows[part] = pd.read_parquet(tmp_path / part)
    assert "target" not in rows["test"]
    pd.testing.assert_frame_equal(rows["test"], rows["holdout"][rows["test"].columns])
    assert not set(rows["train"]["text_b"]) & set(rows["test"]["text_b"])
    answers = decode_all(rows["holdout"]["target"])
    assert any(not one for one in answers) == (name == "squad_part")  # SQuAD 2.0 has questions without
    decided = pd.DataFrame(
        {"id": rows["test"]["id"], "label": [one[0].text if one else "" for one in answers]}, dtype="str"
    )
    out = tmp_path / "submission.csv"
    write_submission(decided, None, out, form=Form(**plan.submission()), proba=None)
    written = pd.read_csv(out, dtype="str", keep_default_na=False)
    assert written.columns.tolist() == [raw["tasks"][task][key] for key in ("id", "target")]
    assert written.to_numpy().tolist() == decided.to_numpy().tolist()

"""Submissions of several labels a row, best first: joined as the sample's are."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from podium.errors import UserError
from podium.predict import to_table
from podium.submission import rehearse, write_submission
from podium.submission_columns import Form
from podium.targets import JOINT

IDS = ["7", "8"]
FORM = Form(id="id", type="single_label", target="y", label_separator=None, probabilities=False, ranked=2)


def submitted(folder: Path, names: list[str], sample: str | None) -> list[str]:
    labels = [JOINT.join([names[1], names[0]]), JOINT.join([names[2], names[1]])]
    predictions = pd.DataFrame({"id": IDS, "label": pd.Series(labels, dtype="str")})
    proba = to_table(IDS, np.full((2, 3), 1 / 3), names)
    path = folder / "sample.csv"
    if sample is not None:
        path.write_text(f"id,y\n8,{sample}\n7,{sample}\n")
        rehearse(path, names, form=FORM)
    write_submission(
        predictions, path if sample is not None else None, folder / "out.csv", form=FORM, proba=proba
    )
    return pd.read_csv(folder / "out.csv", dtype="str")["y"].tolist()


@pytest.mark.parametrize(
    ("names", "sample", "lines"),
    [
        (["0", "1", "2"], "0 1", ["2 1", "1 0"]),
        (["0", "1", "2"], "", ["2 1", "1 0"]),
        (["0", "1", "2"], "0", ["2 1", "1 0"]),
        (["a", "b", "c"], "a|b", ["c|b", "b|a"]),
        (["a", "b", "c"], '"x, y, z"', ["c, b", "b, a"]),
        (["True_Yes:NA", "No:NA", "Some:a b"], "True_Yes:NA;No:NA", ["Some:a b;No:NA", "No:NA;True_Yes:NA"]),
        (["New York", "Rome", "Bonn"], "New York;Rome", ["Bonn;Rome", "Rome;New York"]),
        (["a", "b", "c"], None, ["b a", "c b"]),
    ],
)
def test_the_samples_separator_joins(
    tmp_path: Path, names: list[str], sample: str | None, lines: list[str]
) -> None:
    assert submitted(tmp_path, names, sample) == lines


def test_a_label_that_holds_the_separator_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="joined by ' ', but the label 'New York' holds it"):
        submitted(tmp_path, ["New York", "Rome", "Bonn"], "Rome Bonn")

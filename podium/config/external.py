"""The config of other files: labelled rows that join the training parts, unlabelled rows for pseudo-labels."""

from collections import Counter
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from podium.config.base import Block, Columns, Path


def _text_of_number(value: Any) -> Any:
    """YAML reads a label of digits as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Label = Annotated[str, BeforeValidator(_text_of_number), WithJsonSchema({"type": ["string", "integer"]})]


def _each_once(value: Any) -> Any:
    """Refuse a number and a text of the same digits: one of the two would be lost."""
    texts = Counter(str(_text_of_number(key)) for key in value) if isinstance(value, dict) else Counter()
    for text, times in texts.items():
        if times > 1:
            raise PydanticCustomError(
                "labels", "the label {text} stands there more than once", {"text": text}
            )
    return value


class Unlabelled(Block):
    """A file of rows without labels: candidates for pseudo-labels beside the test rows."""

    file: Path = Field(description="The rows: .csv, .tsv, .jsonl or .parquet (text forms may end in .gz).")
    id: str | None = Field(
        None,
        description="Column of row ids; null: the task's, and the rows are numbered where there is none.",
    )
    text: (
        Annotated[list[str | Annotated[list[str], Field(min_length=1)]], Field(min_length=1, max_length=2)]
        | None
    ) = Field(None, description="As the task's `text`, with as many segments; null: the task's.")
    encoding: str | None = Field(None, description="Text encoding of the file; null: as the task's.")
    separator: str | None = Field(None, description="Column separator of the file; null: as the task's.")
    columns: Columns | None = Field(
        None,
        description="Names of its columns, in order, where it has no header line; null: it has one, whatever the "
        "task's files have.",
    )


class External(Unlabelled):
    """A file of labelled rows that join the training part of every fold they do not resemble."""

    target: str | Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="As the task's `target`; null: the task's."
    )
    label_separator: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        None, description="What stands between the labels of one multi_label column; null: as the task's."
    )
    labels: Annotated[dict[Label, Label | None], BeforeValidator(_each_once)] = Field(
        default_factory=dict,
        description="Their label: the task's label. One that is not named here keeps its name; null leaves its rows "
        "out (multi_label: leaves the label out).",
    )
    weight: Annotated[float, Field(gt=0, le=10)] = Field(
        1.0, description="Training weight of each row, where one of train has 1."
    )

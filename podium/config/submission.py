"""The config of a task's file to hand in."""

from typing import Annotated

from pydantic import Field, StringConstraints

from podium.config.base import Block

FileName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_. -]*\.(csv|tsv|json|jsonl)$", max_length=200)
]


class Submission(Block):
    """The file to hand in."""

    file: FileName | None = Field(
        None,
        description="Its name. The ending says what is written: .csv, .tsv, or one JSON object a line (.json, .jsonl), "
        "which the sample must have, too, if there is one. null: submission, with the ending of the sample's form.",
    )

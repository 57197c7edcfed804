"""The config of one prediction task: its files, columns and metric."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from podium.config.base import Block, Columns, Name, Path
from podium.config.external import External, Unlabelled
from podium.config.metric import AnyMetric, metric_field
from podium.config.span import SpanData, SpanDecision, SpanMetric, SpanPseudo
from podium.config.submission import Submission
from podium.targets import TaskType

Language = Annotated[str, StringConstraints(pattern="^[a-z]{2,3}$")]


class Task(Block):
    """One prediction task of the competition: its files, columns and metric."""

    type: TaskType = Field(
        "single_label",
        description="What is predicted of a row: one label, any number of labels, or numbers.",
    )
    train: Path = Field(
        description="Training rows: .csv, .tsv, .jsonl or .parquet (text forms may end in .gz)."
    )
    test: Path = Field(description="Rows to predict, same columns without the target.")
    sample: Path | None = Field(None, description="The sample submission; its form is copied exactly.")
    submission: Submission = Field(default_factory=Submission, description="The file to hand in.")
    holdout: Path | None = Field(
        None,
        description="True labels of the test rows, for `snakemake check_holdout` only; no other rule reads it.",
    )
    id: str | None = Field("id", description="Column of row ids; null numbers the rows from 0.")
    text: Annotated[
        list[str | Annotated[list[str], Field(min_length=1)]], Field(min_length=1, max_length=2)
    ] = Field(
        description="One text segment or a pair; a segment is a column, or a list of columns joined by a space."
    )
    target: str | Annotated[list[str], Field(min_length=1)] = Field(
        description="Column of labels; multi_label: columns of 0 and 1, or one of joined labels; "
        "regression: one or several columns of numbers."
    )
    label_separator: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        None, description="What stands between the labels of one multi_label column."
    )
    group: str | None = Field(None, description="Column whose equal values must stay in one fold.")
    metric: AnyMetric = metric_field()
    language: Language = Field(
        "en", description="Language of the text (ISO 639-1), for lemmas and emoji names."
    )
    encoding: str | None = Field(None, description="Text encoding of the files; null finds it.")
    separator: str | None = Field(None, description="Column separator of the files; null finds it.")
    columns: Columns | None = Field(
        None,
        description="Names of all columns, in order, where train and test have no header line (those at the end may be "
        "lacking in test); null: they have one.",
    )
    external: dict[Name, External] = Field(
        default_factory=dict, description="Named labelled files whose rows join training parts only."
    )
    unlabelled: dict[Name, Unlabelled] = Field(
        default_factory=dict, description="Named files without labels, for pseudo-labels."
    )


class SpanTask(Block):
    """Questions whose answers are parts of a given text."""

    type: Literal["span"] = Field(
        description="What is predicted: the part of a context that answers a question."
    )
    train: Path = Field(
        description="Questions with answers: .json of SQuAD, CMRC 2018 or homework 7, or a table (`data`)."
    )
    test: Path = Field(description="Questions to answer, in any of these forms.")
    sample: Path | None = Field(None, description="The sample submission; its form is copied exactly.")
    submission: Submission = Field(default_factory=Submission, description="The file to hand in.")
    holdout: Path | None = Field(
        None,
        description="True answers of the test questions, for `snakemake check_holdout` only; no other rule reads it.",
    )
    id: str = Field("id", description="Column of ids, of tables and of the file to hand in.")
    target: str = Field("answer", description="Column of answers in the file to hand in.")
    data: SpanData = Field(
        default_factory=SpanData, description="Columns of tables, and what folds keep together."
    )
    metric: SpanMetric = Field(
        "squad_em",
        description="exact: the same text; exact_without_commas: once half-width commas are out of both, as they then "
        "are of the answers handed in (homework 7); squad_em and squad_f1 as SQuAD's script, for English; cmrc_em and "
        "cmrc_f1 as that of CMRC 2018 and DRCD, for Chinese.",
    )
    decision: SpanDecision = Field(
        default_factory=SpanDecision, description="How probabilities become answers."
    )
    pseudo: SpanPseudo = Field(
        default_factory=SpanPseudo, description="Which answered test questions are learned from."
    )
    language: Language = Field("en", description="Language of the text (ISO 639-1).")
    encoding: str | None = Field(None, description="Text encoding of the files; null finds it.")
    separator: str | None = Field(None, description="Column separator of tables; null finds it.")
    #: What other tasks have beside their files
    external: ClassVar[dict[str, External]] = {}
    unlabelled: ClassVar[dict[str, Unlabelled]] = {}


def _form(given: Any) -> str:
    kind = given.get("type") if isinstance(given, dict) else getattr(given, "type", None)
    return "spans" if kind == "span" else "labelled"


AnyTask = Annotated[
    Annotated[Task, Tag("labelled")] | Annotated[SpanTask, Tag("spans")], Discriminator(_form)
]

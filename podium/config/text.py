"""The config's text views: steps and their options."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from podium.config.base import Block, Name, Positive

NAME_TAG, OPTIONS_TAG = TAGS = ("<name>", "<options>")
"""Marks of a step's two forms in the locations of mistakes."""

StepName = Literal[
    "nfkc", "width", "punctuation", "simplified", "emoji", "emoticons", "urls", "emails", "mentions",
    "hashtags", "numbers", "html", "mojibake", "whitespace", "repeats", "lowercase", "lemmas", "segment",
    "drop_duplicates",
]  # fmt: skip
EmojiLanguage = Literal["en", "es", "ja", "ko", "pt", "it", "fr", "de", "fa", "id", "zh", "ru", "tr", "ar"]
Word = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^\S+( \S+)*$")]
Action = Literal["replace", "drop"]
_ACTION = "replace: put a word in its place; drop: put a space."
_WITH = "The word that `replace` puts."


class Nfkc(Block):
    """Unicode's compatibility form NFKC: full-width letters to ASCII, ligatures apart, one form of accents."""


class Width(Block):
    """Full-width letters, digits and signs to their usual width, nothing else."""


class Punctuation(Block):
    """Chinese punctuation to ASCII."""


class Simplified(Block):
    """Traditional Chinese characters to simplified ones, by OpenCC."""

    variant: Literal["t2s", "tw2s", "tw2sp", "hk2s"] = Field(
        "t2s",
        description="OpenCC's conversion: t2s is safe on text that is simplified already; tw2s and hk2s are for Taiwan "
        "and Hong Kong; tw2sp changes Taiwan's words for things, too.",
    )


class Emoji(Block):
    """Emoji, and their `:short_names:`."""

    action: Literal["words", "drop"] = Field("words", description="words: the emoji's name; drop: a space.")
    language: EmojiLanguage | None = Field(
        None, description="Language of the names; null: the task's language."
    )


class Emoticons(Block):
    """Faces made of signs, such as `:-)`, `XD` and `^_^`."""

    action: Literal["words", "drop"] = Field("words", description="words: what it means; drop: a space.")
    language: Literal["en", "zh"] | None = Field(
        None, description="Language of the words; null: the task's language."
    )


class Urls(Block):
    """Web addresses."""

    action: Action = Field("replace", description=_ACTION)
    with_: Word = Field("url", alias="with", description=_WITH)


class Emails(Block):
    """E-mail addresses."""

    action: Action = Field("replace", description=_ACTION)
    with_: Word = Field("email", alias="with", description=_WITH)


class Mentions(Block):
    """`@names`."""

    action: Action = Field("replace", description=_ACTION)
    with_: Word = Field("user", alias="with", description=_WITH)


class Hashtags(Block):
    """`#words` and `#words#`."""

    action: Literal["keep", "replace", "drop"] = Field(
        "keep", description="keep: the word without its sign; replace: a word in its place; drop: a space."
    )
    with_: Word = Field("hashtag", alias="with", description=_WITH)


class Numbers(Block):
    """Numbers that are no part of a Latin word, `1,000.5` and `10:30` included."""

    action: Action = Field("replace", description=_ACTION)
    with_: Word = Field("number", alias="with", description=_WITH)


class Html(Block):
    """What is left of HTML."""

    entities: bool = Field(True, description="Decode `&amp;` and the like, also where encoded several times.")
    tags: bool = Field(True, description="Put a space for each tag and comment.")


class Mojibake(Block):
    """Repair of text that was decoded with the wrong encoding, by ftfy."""


class Whitespace(Block):
    """One space for every run of white space, none at the ends; controls and zero-width characters go."""


class Repeats(Block):
    """Runs of the same character, digits excepted."""

    most: Annotated[int, Field(ge=1, le=100)] = Field(3, description="Longer runs are cut to this length.")


class Lowercase(Block):
    """Lower case."""


class Lemmas(Block):
    """Base forms of words: WordNet in English, simplemma for the rest."""


class Segment(Block):
    """Spaces between Chinese words, by jieba, for models that need words."""

    new_words: bool = Field(True, description="Also find words that jieba's dictionary lacks (its HMM).")


class DropDuplicates(Block):
    """Mark rows whose texts equal those of an earlier row, so that training leaves them out; the last step."""


class Step(Block):
    """One step with its options: a mapping of one key."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    nfkc: Nfkc | None = None
    width: Width | None = None
    punctuation: Punctuation | None = None
    simplified: Simplified | None = None
    emoji: Emoji | None = None
    emoticons: Emoticons | None = None
    urls: Urls | None = None
    emails: Emails | None = None
    mentions: Mentions | None = None
    hashtags: Hashtags | None = None
    numbers: Numbers | None = None
    html: Html | None = None
    mojibake: Mojibake | None = None
    whitespace: Whitespace | None = None
    repeats: Repeats | None = None
    lowercase: Lowercase | None = None
    lemmas: Lemmas | None = None
    segment: Segment | None = None
    drop_duplicates: DropDuplicates | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_key(cls, value: Any) -> Any:
        """Refuse several keys, take a key without a value for its defaults."""
        if not isinstance(value, dict):
            return value
        if len(value) != 1:
            raise PydanticCustomError("one_step", "a step is one name, each behind a dash of its own")
        return {key: {} if options is None else options for key, options in value.items()}

    @model_serializer
    def _written(self) -> dict[str, Any]:
        return {self.name: self.options}

    @property
    def name(self) -> str:
        """The step's name."""
        (name,) = self.model_fields_set
        return name

    @property
    def options(self) -> dict[str, Any]:
        """Its options, always in the same order."""
        block: Block = getattr(self, self.name)
        return block.model_dump(by_alias=True)


def _form(value: Any) -> str:
    return OPTIONS_TAG if isinstance(value, dict | Step) else NAME_TAG


def _with_options(value: str | Step) -> Step:
    return Step.model_validate({value: {}}) if isinstance(value, str) else value


AnyStep = Annotated[
    Annotated[StepName, Tag(NAME_TAG)] | Annotated[Step, Tag(OPTIONS_TAG)],
    Discriminator(_form),
    AfterValidator(_with_options),
]


class Text(Block):
    """Text views: named lists of normalisation steps; `raw` is the text as it came."""

    views: dict[Name, list[AnyStep]] = Field(
        {"raw": []},
        description="View name: steps, applied in the order given; each a name, or a name with its options.",
    )
    samples: Positive = Field(
        20,
        description="Changed rows that `results/text/TASK/VIEW.changes.parquet` shows of each step and part.",
    )

    def steps(self, view: str) -> list[Step]:
        """The steps of a view."""
        return [_with_options(step) for step in self.views[view]]


def plain_steps(given: list[Any]) -> list[dict[str, Any]]:
    """Steps as the config writes them, in the form that ``podium.text`` takes: ``step``, then every option."""
    steps = Text.model_validate({"views": {"view": given}}).steps("view")
    return [{"step": step.name, **step.options} for step in steps]

"""The config of the augmentations: what all kinds share, and a class for each kind."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from podium.config.base import REVISION_PATTERN, Block, Fraction, Path, Positive

Share = Annotated[float, Field(gt=0)]
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
Revision = Annotated[str, StringConstraints(pattern=REVISION_PATTERN)]


class Filter(Block):
    """Which made rows are dropped; those empty, equal to their source or to another copy always are."""

    negation: bool = Field(
        False, description="Drop a row where a word of negation appeared or vanished (English, Chinese)."
    )
    length_ratio: Annotated[list[Share], Field(min_length=2, max_length=2)] | None = Field(
        [0.5, 2.0],
        description="Shortest and longest text as a share of its source's, in words (in letters without spaces).",
    )
    similarity: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="Least cosine between the encoder's mean states of a text and its source; null: any.",
    )
    encoder: str | None = Field(
        None,
        description="Encoder of `similarity`: a local folder, a name on the Hugging Face Hub, or `pretrain/NAME`.",
    )
    revision: Revision | None = Field(
        None, description="Revision of the encoder on the Hub; null takes the newest."
    )
    max_length: Annotated[int, Field(ge=4)] = Field(
        128, description="Tokens of a text that the encoder reads, special tokens counted."
    )
    label: Annotated[float, Field(gt=0.5, le=1)] | None = Field(
        None,
        description="Drop a row that a linear model, trained without its source and without the fold, is so sure has "
        "another label; null: none (single_label).",
    )
    inner_folds: Annotated[int, Field(ge=2, le=20)] = Field(
        3, description="Folds of the nested cross-validation of `label`."
    )


class MeaningFilter(Filter):
    """As ``Filter``, for kinds that may turn a meaning round."""

    negation: bool = Field(
        True, description="Drop a row where a word of negation appeared or vanished (English, Chinese)."
    )


class Augmentation(Block):
    """What every kind of augmentation shares."""

    copies: Annotated[int, Field(ge=0)] = Field(
        1, description="Made rows for each training row; with balance for each row of the largest class."
    )
    fresh: bool | Positive = Field(
        False,
        description="Different copies in every epoch of the networks: true, or how many draws before they come again; "
        "other models take the first draw.",
    )
    segments: Literal["either", "a", "b", "both"] = Field(
        "either",
        description="Of a pair: either: each copy changes one of the two, drawn anew, and leaves the other; a, b: "
        "always this one; both: the two at once.",
    )
    balance: bool = Field(
        False, description="Give rarer classes more copies, towards the size of the largest."
    )
    max_copies: Positive = Field(
        4,
        description="With balance: most copies of one row (`copies`, where that is more), made for every row.",
    )
    max_share: Share | None = Field(
        None, description="Made rows at most this share of a fold's own training rows; null: no limit."
    )
    filter: Filter = Field(default_factory=Filter, description="Which made rows are dropped.")

    @property
    def supply(self) -> int:
        """Copies that are made of every row: as many as any fold can ask for."""
        return max(self.copies, self.max_copies) if self.balance else self.copies


class Eda(Augmentation):
    """Easy data augmentation (Wei and Zou 2019): replacement, insertion, swap, deletion of words."""

    kind: Literal["eda"]
    variant: Literal["careful", "paper"] = Field(
        "careful",
        description="careful: negations stay, synonyms of senses in frequent use, case and punctuation kept, no copy "
        "twice; paper: as in arXiv 1901.11196 (letters only, lower case, any synonym).",
    )
    synonyms: Path = Field(
        "wordnet",
        description="wordnet (English), or a dictionary file in UTF-8: lines `word<TAB>synonym,synonym` or groups "
        "`Aa01A01= word word`.",
    )
    alpha_sr: Fraction = Field(0.1, description="Share of words replaced by synonyms.")
    alpha_ri: Fraction = Field(0.1, description="Share of words inserted.")
    alpha_rs: Fraction = Field(0.1, description="Share of words swapped.")
    alpha_rd: Fraction = Field(0.1, description="Probability of deleting a word.")


class Mlm(Augmentation):
    """Words replaced by what a masked language model puts in their place (Wu et al. 2019, without the label)."""

    kind: Literal["mlm"]
    encoder: str = Field(
        description="Encoder with its masked-language-model head: a local folder (config, tokenizer, safetensors), a "
        "name on the Hugging Face Hub, or `pretrain/NAME`."
    )
    revision: Revision | None = Field(
        None, description="Revision of the encoder on the Hub; null takes the newest."
    )
    rate: Annotated[float, Field(gt=0, le=1)] = Field(
        0.15, description="Share of words replaced, at least one."
    )
    top_k: Positive = Field(10, description="Draw among so many of the likeliest words.")
    temperature: Share = Field(1.0, description="Flattens (above 1) or sharpens the draw.")
    max_length: Annotated[int, Field(ge=8)] = Field(
        256, description="Tokens that the encoder reads; words beyond them stay."
    )
    batch_tokens: Positive = Field(4096, description="Tokens of a batch, padding counted.")
    filter: MeaningFilter = Field(default_factory=MeaningFilter, description="Which made rows are dropped.")


class BackTranslation(Augmentation):
    """Into another language and back (Sennrich et al. 2016; Edunov et al. 2018)."""

    kind: Literal["back_translation"]
    engine: Literal["marian", "ctranslate2", "apertium"] = Field(description="What translates.")
    through: Annotated[list[LanguageCode], Field(min_length=1)] = Field(
        description="Languages to go through, taken in turn by the copies, as the engine calls them; apertium: such as "
        "spa, cat."
    )
    language_code: LanguageCode | None = Field(
        None,
        description="The texts' own language as the engine calls it, such as eng_Latn for NLLB; null: the task's.",
    )
    model_out: str | None = Field(
        None,
        description="Model out of the texts' language: a name on the Hub or a local folder; apertium: null.",
    )
    revision_out: Revision | None = Field(
        None, description="Revision of `model_out` on the Hub; null takes the newest."
    )
    model_back: str | None = Field(None, description="Model back again, as `model_out`; may be the same.")
    revision_back: Revision | None = Field(
        None, description="Revision of `model_back` on the Hub; null takes the newest."
    )
    beams: Positive = Field(
        4, description="Width of the beam search; each further copy through a language is its next best."
    )
    sampling: bool = Field(
        False, description="Draw words instead of a beam search: as many different copies as wanted."
    )
    temperature: Share = Field(1.0, description="Flattens (above 1) or sharpens the draw.")
    top_k: Annotated[int, Field(ge=0)] = Field(
        0, description="Draw among so many of the likeliest words; 0: all."
    )
    max_length: Annotated[int, Field(ge=8)] = Field(
        256, description="Tokens that the model reads at once; a longer text is cut between sentences."
    )
    batch_tokens: Positive = Field(4096, description="Tokens of a batch, padding and beams counted.")
    threads: Positive = Field(1, description="CPU threads of the job; apertium: processes at once.")
    filter: MeaningFilter = Field(default_factory=MeaningFilter, description="Which made rows are dropped.")


class Shuffle(Augmentation):
    """Span tasks: the sentences of the contexts in another order, the answers' places with them."""

    kind: Literal["shuffle"]


AnyAugmentation = Annotated[Eda | Mlm | BackTranslation | Shuffle, Field(discriminator="kind")]
AUGMENTATIONS: dict[str, type[Augmentation]] = {
    "eda": Eda,
    "mlm": Mlm,
    "back_translation": BackTranslation,
    "shuffle": Shuffle,
}

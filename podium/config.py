"""The config: every key, its default, its meaning and its limits, in one place.

``podium.validation.load`` turns the raw mapping that Snakemake hands over into a :class:`Config`. The
JSON schema for editors is made from these classes (``python -m podium schema``).
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

NAME_PATTERN = "[a-z][a-z0-9_]*"
Name = Annotated[str, StringConstraints(pattern=f"^{NAME_PATTERN}$")]
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]

REVISION_PATTERN = (
    r"^[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*(/[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*)*$"
)
Path = Annotated[
    str, StringConstraints(min_length=1, pattern=r"^[^{}]+$")
]  # braces are wildcards of the workflow

Metric = Literal[
    "accuracy", "macro_f1", "weighted_f1", "f1", "mcc", "balanced_accuracy", "log_loss"
]  # fmt: skip
Step = Literal["nfkc", "whitespace", "emoji", "urls", "mentions", "hashtags", "lowercase", "lemmas"]
EnsembleMethod = Literal["mean", "blend", "stack", "vote"]


class Block(BaseModel):
    """A block of the config: unknown keys are refused, values are fixed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Task(Block):
    """One prediction task of the competition: its files, columns and metric."""

    type: Literal["single_label"] = Field(
        "single_label", description="What is predicted: one label a row. Other types are refused for now."
    )
    train: Path = Field(
        description="Training rows: .csv, .tsv, .jsonl or .parquet (text forms may end in .gz)."
    )
    test: Path = Field(description="Rows to predict, same columns without the target.")
    sample: Path | None = Field(None, description="The sample submission; its form is copied exactly.")
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
    target: str = Field(description="Column of labels.")
    group: str | None = Field(None, description="Column whose equal values must stay in one fold.")
    metric: Metric = Field(
        "accuracy",
        description="The leaderboard's metric; f1 is of the last label in sorted order (1 of 0 and 1).",
    )
    language: Annotated[str, StringConstraints(pattern="^[a-z]{2,3}$")] = Field(
        "en", description="Language of the text (ISO 639-1), for lemmas and emoji names."
    )
    encoding: str | None = Field(None, description="Text encoding of the files; null finds it.")
    separator: str | None = Field(None, description="Column separator of the files; null finds it.")


class Text(Block):
    """Text views: named lists of normalisation steps; `raw` is the text as it came."""

    views: dict[Name, list[Step]] = Field(
        {"raw": []}, description="View name: steps, applied in the order given."
    )


class Folds(Block):
    """Cross-validation folds: stratified by label, grouped by near-duplicates and the user's groups."""

    n: Annotated[int, Field(ge=2, le=50)] = Field(5, description="Number of folds.")
    seed: int | None = Field(None, description="Seed of the split; null takes the run's seed.")
    near_duplicates: Annotated[float, Field(gt=0, le=1)] | None = Field(
        0.8, description="Jaccard similarity from which two texts stay in one fold; null keeps only groups."
    )


class Noise(Block):
    """Label noise found by confident learning, nested inside each fold's training part."""

    filter_by: Literal[
        "prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given"
    ] = Field("prune_by_noise_rate", description="cleanlab's rule for what counts as a label issue.")
    inner_folds: Annotated[int, Field(ge=2, le=20)] = Field(
        3, description="Folds of the nested cross-validation."
    )
    view: Name = Field("raw", description="Text view of the nested linear model.")
    max_share: Fraction = Field(0.1, description="Prune at most this share of a fold's training rows.")


class Eda(Block):
    """Easy data augmentation (Wei and Zou 2019): replacement, insertion, swap, deletion of words."""

    kind: Literal["eda"] = "eda"
    copies: Positive = Field(1, description="Made rows for each training row.")
    alpha_sr: Fraction = Field(0.1, description="Share of words replaced by synonyms.")
    alpha_ri: Fraction = Field(0.1, description="Share of words inserted.")
    alpha_rs: Fraction = Field(0.1, description="Share of words swapped.")
    alpha_rd: Fraction = Field(0.1, description="Probability of deleting a word.")


class Model(Block):
    """What every kind of model shares."""

    view: Name = Field("raw", description="Text view that the model reads.")
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = Field(
        default_factory=lambda: [0], description="One member for each seed (added to the run's seed)."
    )
    prune: bool = Field(False, description="Train without the rows that the noise stage pruned.")
    augment: list[Name] = Field(default_factory=list, description="Augmentations added to the training rows.")
    rounds: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="Last pseudo-label round of this model, never more than `pseudo.rounds`; null: all of them.",
    )
    threads: Positive = Field(1, description="CPU threads of one job; part of the result's determinism.")


class Tfidf(Block):
    """TF-IDF features, fitted inside the fold."""

    word_ngrams: Annotated[list[Positive], Field(min_length=2, max_length=2)] | None = Field(
        default_factory=lambda: [1, 2], description="Shortest and longest word n-gram; null for none."
    )
    char_ngrams: Annotated[list[Positive], Field(min_length=2, max_length=2)] | None = Field(
        default_factory=lambda: [2, 5], description="Shortest and longest character n-gram; null for none."
    )
    min_df: Positive = Field(2, description="Ignore n-grams in fewer training rows than this.")
    max_features: Positive = Field(300_000, description="Keep this many n-grams of each sort, by frequency.")


class Linear(Model):
    """Logistic regression on TF-IDF of word and character n-grams."""

    kind: Literal["linear"]
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=1)] = Field(
        default_factory=lambda: [0],
        description="One only: nothing in this model is random, so another seed would be the same member twice.",
    )
    tfidf: Tfidf = Field(default_factory=Tfidf, description="Its features.")
    c: Annotated[float, Field(gt=0)] = Field(10.0, description="Inverse of the L2 penalty.")
    class_weight: Literal["balanced"] | None = Field(None, description="Weigh classes by inverse frequency.")
    max_iter: Positive = Field(300, description="Iterations of L-BFGS at most.")


class Lightgbm(Model):
    """LightGBM on TF-IDF n-grams and their truncated SVD."""

    kind: Literal["lightgbm"]
    tfidf: Tfidf = Field(
        default_factory=lambda: Tfidf(char_ngrams=None, word_ngrams=[1, 1], min_df=5),
        description="Its n-grams.",
    )
    sparse: bool = Field(True, description="Use the n-grams themselves as features.")
    svd: Annotated[int, Field(ge=0)] = Field(100, description="Dimensions of the SVD features; 0 for none.")
    trees: Positive = Field(120, description="Boosting iterations.")
    learning_rate: Annotated[float, Field(gt=0)] = Field(0.1, description="Shrinkage of each tree.")
    num_leaves: Annotated[int, Field(ge=2)] = Field(15, description="Leaves of a tree at most.")
    min_data_in_leaf: Positive = Field(10, description="Rows of a leaf at least.")
    feature_fraction: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="Share of the features that a tree may use."
    )


class Transformer(Model):
    """A pretrained encoder, fine-tuned with a pooled classification head."""

    kind: Literal["transformer"]
    encoder: str = Field(
        description="A local folder (config, tokenizer, safetensors) or a Hugging Face Hub name."
    )
    revision: Annotated[str, StringConstraints(pattern=REVISION_PATTERN)] | None = Field(
        None, description="Revision on the Hub; null takes the newest."
    )
    max_length: Annotated[int, Field(ge=8)] = Field(
        128, description="Tokens kept of a row, special tokens counted."
    )
    pooling: Literal["mean", "cls"] = Field("mean", description="How token states become one vector.")
    epochs: Positive = Field(2, description="Passes over the training rows.")
    batch_size: Positive = Field(32, description="Rows of one optimizer step.")
    learning_rate: Annotated[float, Field(gt=0)] = Field(1e-4, description="Peak rate of the top layer.")
    head_learning_rate: Annotated[float, Field(gt=0)] = Field(1e-3, description="Peak rate of the new head.")
    layer_decay: Annotated[float, Field(gt=0, le=1)] = Field(
        0.95, description="Factor on the rate for each layer further down (arXiv 1905.05583, section 5.3.4)."
    )
    weight_decay: Annotated[float, Field(ge=0)] = Field(
        0.01, description="Decoupled decay (AdamW); biases and norms have none."
    )
    warmup: Fraction = Field(0.1, description="Share of steps with a rising rate; linear decay to 0 follows.")
    max_grad_norm: Annotated[float, Field(gt=0)] = Field(
        1.0, description="Gradients are clipped to this norm."
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.1, description="Dropout of hidden states and head."
    )
    attention_dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Dropout of attention weights; 0 is faster on a CPU."
    )
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="auto: bf16 where the device has it."
    )
    threads: Positive = Field(2, description="CPU threads of one job; part of the result's determinism.")


AnyModel = Annotated[Linear | Lightgbm | Transformer, Field(discriminator="kind")]
KINDS: dict[str, type[Model]] = {
    get_args(cls.model_fields["kind"].annotation)[0]: cls for cls in (Linear, Lightgbm, Transformer)
}


class Pseudo(Block):
    """Pseudo-label rounds: test rows on which the fold's own models agree join its training part."""

    rounds: Annotated[int, Field(ge=0, le=10)] = Field(1, description="Rounds after round 0; 0 for none.")
    voters: Annotated[list[Name], Field(min_length=1)] | None = Field(
        None, description="Models that vote; null for all."
    )
    agree: Annotated[float, Field(gt=0.5, le=1)] = Field(1.0, description="Share of the votes a label needs.")
    confidence: Fraction = Field(0.9, description="Mean probability that a label needs.")
    max_share: Fraction = Field(0.8, description="Accept at most this share of the test rows.")
    balance: Literal["train", "none"] = Field(
        "train", description="train: each class at most in its share of the training rows."
    )
    weight: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="Training weight of a pseudo-labelled row."
    )


class Blend(Block):
    """Weighted mean of probabilities."""

    weights: dict[str, Annotated[float, Field(ge=0)]] | None = Field(
        None,
        description="Weight of each member, 0 for those not named; null: greedy selection (Caruana et al. 2004).",
    )
    steps: Positive = Field(50, description="Steps of the greedy selection.")


class Stack(Block):
    """Logistic regression on the members' log-probabilities, shrunk towards their geometric mean."""

    c: Annotated[float, Field(gt=0)] = Field(
        0.01, description="Inverse of the L2 penalty on the distance from the geometric mean."
    )


class Vote(Block):
    """Majority of the members' labels, ties broken by mean probability."""

    weights: dict[str, Annotated[float, Field(ge=0)]] | None = Field(
        None, description="Votes of each member, 0 for those not named; null counts each as one."
    )


class Ensemble(Block):
    """How members become one prediction; every score is cross-fitted over the folds."""

    members: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="Members to use (`model-sSEED`); null for all."
    )
    methods: Annotated[list[EnsembleMethod], Field(min_length=1)] = Field(
        ["mean", "blend", "stack", "vote"], description="Methods to compute and score."
    )
    submit: Literal["best", "mean", "blend", "stack", "vote"] = Field(
        "best", description="What is submitted; best: chosen by score, the choice itself cross-fitted."
    )
    blend: Blend = Field(default_factory=Blend)
    stack: Stack = Field(default_factory=Stack)
    vote: Vote = Field(default_factory=Vote)


class Decision(Block):
    """From probabilities to labels."""

    method: Literal["auto", "argmax", "offsets"] = Field(
        "auto",
        description="offsets: per-class log-probability offsets tuned for the metric; auto: where it helps.",
    )
    sweeps: Positive = Field(3, description="Passes of the coordinate ascent over the classes.")


class Config(Block):
    """The whole config."""

    competition: Name = Field(description="Name of the competition.")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="Seed of everything random.")
    tasks: Annotated[dict[Name, Task], Field(min_length=1, max_length=1)] = Field(
        description="The competition's task, one for now; a file with this key is complete by itself."
    )
    text: Text = Field(default_factory=Text)
    folds: Folds = Field(default_factory=Folds)
    noise: Noise = Field(default_factory=Noise)
    augment: dict[Name, Eda] = Field(default_factory=dict, description="Named augmentations.")
    models: Annotated[dict[Name, AnyModel], Field(min_length=1)] = Field(description="Named models.")
    pseudo: Pseudo = Field(default_factory=Pseudo)
    ensemble: Ensemble = Field(default_factory=Ensemble)
    decision: Decision = Field(default_factory=Decision)


def member_names(config: Config) -> list[str]:
    """All members, ``model-sSEED``, in the order of the config."""
    return [f"{name}-s{seed}" for name, model in config.models.items() for seed in model.seeds]


def schema() -> dict[str, Any]:
    """The config's JSON schema, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}

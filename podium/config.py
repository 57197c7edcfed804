"""The config: every key, its default, its meaning and its limits, in one place.

``podium.validation.load`` turns the raw mapping that Snakemake hands over into a :class:`Config`. The
JSON schema for editors is made from these classes (``python -m podium schema``).
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from podium.targets import TaskType

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
    "accuracy", "macro_f1", "weighted_f1", "f1", "mcc", "balanced_accuracy", "qwk", "log_loss", "roc_auc",
    "micro_f1", "samples_f1", "exact_match", "hamming_loss", "average_precision",
    "rmse", "mcrmse", "mae", "r2", "pearson", "spearman",
]  # fmt: skip
Step = Literal["nfkc", "whitespace", "emoji", "urls", "mentions", "hashtags", "lowercase", "lemmas"]
EnsembleMethod = Literal["mean", "blend", "stack", "vote"]
LossName = Literal[
    "cross_entropy", "focal", "soft_f1", "symmetric", "generalized", "binary", "corn", "mse", "huber"
]  # fmt: skip
PoolingName = Literal[
    "mean", "cls", "max", "mean_max", "pooler", "last4", "last4_cls", "layers",
    "attention", "lstm", "transformer", "query",
]  # fmt: skip


class Block(BaseModel):
    """A block of the config: unknown keys are refused, values are fixed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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
    metric: Metric = Field(
        "accuracy",
        description="The leaderboard's metric. single_label: accuracy, macro_f1, weighted_f1, f1 (of the last label in "
        "sorted order, 1 of 0 and 1), mcc, balanced_accuracy, qwk (of whole numbers), log_loss, roc_auc. "
        "multi_label: micro_f1, macro_f1, weighted_f1, samples_f1, exact_match, hamming_loss, log_loss, roc_auc, "
        "average_precision. regression: rmse, mcrmse, mae, r2, pearson, spearman.",
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
    """LightGBM on TF-IDF n-grams, their truncated SVD, text statistics and vectors of a frozen encoder."""

    kind: Literal["lightgbm"]
    tfidf: Tfidf = Field(
        default_factory=lambda: Tfidf(char_ngrams=None, word_ngrams=[1, 1], min_df=5),
        description="Its n-grams.",
    )
    sparse: bool = Field(True, description="Use the n-grams themselves as features.")
    svd: Annotated[int, Field(ge=0)] = Field(100, description="Dimensions of the SVD features; 0 for none.")
    statistics: bool = Field(
        False,
        description="Use plain figures of the texts: lengths, shares of upper case, digits, punctuation and emoji, "
        "counts of links, mentions, hashtags, ? and !, the words that the two texts of a pair share.",
    )
    encoder: str | None = Field(
        None,
        description="Use the mean states of a frozen encoder: a local folder (config, tokenizer, safetensors) or a "
        "Hugging Face Hub name.",
    )
    revision: Annotated[str, StringConstraints(pattern=REVISION_PATTERN)] | None = Field(
        None, description="Revision of the encoder on the Hub; null takes the newest."
    )
    max_length: Annotated[int, Field(ge=8)] = Field(
        128, description="Tokens of a text that the encoder reads, special tokens counted."
    )
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="Of the encoder; auto: bf16 where the device has it."
    )
    class_weight: Literal["balanced"] | None = Field(
        None, description="Weigh classes by inverse frequency (single_label)."
    )
    trees: Positive = Field(120, description="Boosting iterations.")
    learning_rate: Annotated[float, Field(gt=0)] = Field(0.1, description="Shrinkage of each tree.")
    num_leaves: Annotated[int, Field(ge=2)] = Field(15, description="Leaves of a tree at most.")
    min_data_in_leaf: Positive = Field(10, description="Rows of a leaf at least.")
    feature_fraction: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="Share of the features that a tree may use."
    )


class Loss(Block):
    """The loss of a transformer; a key that the named loss does not have is refused."""

    name: LossName | None = Field(
        None,
        description="null: cross_entropy, binary (multi_label) or mse (regression). focal: arXiv 1708.02002; soft_f1: "
        "2108.10566; symmetric: 1908.06112; generalized: 1805.07836; corn, for ordered classes: 2111.08851.",
    )
    class_weight: Literal["balanced", "effective"] | None = Field(
        None, description="Weigh classes by inverse frequency, or by effective number (arXiv 1901.05555)."
    )
    effective_beta: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None, description="Beta of the effective number; null: 0.999."
    )
    smoothing: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None, description="Label smoothing of cross_entropy (arXiv 1512.00567, section 7)."
    )
    logit_adjustment: Annotated[float, Field(ge=0)] | None = Field(
        None, description="Tau of cross_entropy's logit adjustment (arXiv 2007.07314, section 5.1)."
    )
    gamma: Annotated[float, Field(ge=0)] | None = Field(None, description="Focus of focal; null: 2.")
    alpha: Annotated[float, Field(ge=0)] | None = Field(
        None, description="Weight of the cross-entropy in symmetric; null: 1."
    )
    beta: Annotated[float, Field(ge=0)] | None = Field(
        None, description="Weight of the reverse cross-entropy in symmetric; null: 1."
    )
    q: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="generalized: from cross-entropy (near 0) to absolute error (1); null: 0.7."
    )
    delta: Annotated[float, Field(gt=0)] | None = Field(
        None, description="huber: error in standard deviations from which the loss is linear; null: 1."
    )


class Timed(Block):
    """A trick of the training loop that may begin late."""

    from_epoch: Positive = Field(1, description="First epoch of the trick; plain training before it.")


class Adversarial(Timed):
    """Training on perturbed embeddings or weights as well; each extra pass costs a step's time."""

    method: Literal["fgm", "fgm_rows", "pgd", "pgd_rows", "freelb", "awp"] = Field(
        "fgm",
        description="fgm (arXiv 1605.07725) and pgd (1706.06083) move the table of words, *_rows each row's "
        "embeddings by a norm of its own; freelb: 1909.11764; awp moves the weights: 2004.05884.",
    )
    epsilon: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="How far: the radius, of awp a share of each weight; null: 1, freelb 0.6, awp 0.01.",
    )
    step_size: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="Length of a step, of awp a share of each matrix's norm; null: 0.3, freelb 0.1, awp 1.",
    )
    steps: Positive | None = Field(
        None, description="Steps of pgd and awp, passes of freelb; null: 3, awp 1."
    )
    random_start: Annotated[float, Field(ge=0)] = Field(
        0.3, description="Size of the random start of freelb."
    )
    same_dropout: bool | None = Field(
        None, description="The same dropout masks in all passes of a batch; null: true for freelb alone."
    )


class Average(Block):
    """The average of the weights along the run is what predicts."""

    method: Literal["ema", "swa"] = Field(
        "ema",
        description="ema: exponential (arXiv 1703.01780); swa: plain (1803.05407), the rate constant from `start` on.",
    )
    decay: Annotated[float, Field(ge=0, lt=1)] = Field(0.99, description="Of ema, for each taking.")
    start: Fraction | None = Field(
        None, description="Share of the run after which weights are taken; null: 0, swa 0.75."
    )
    every: Positive | Literal["epoch"] | None = Field(
        None, description="Steps between takings; null: 1, swa an epoch."
    )


class Mixup(Timed):
    """Training on mixtures of two rows (arXiv 1905.08941)."""

    where: Literal["words", "sentence"] = Field(
        "sentence", description="Mix the word embeddings, or the vector that the head reads."
    )
    alpha: Annotated[float, Field(gt=0)] = Field(0.2, description="Shares are from Beta(alpha, alpha).")


class WordDropout(Timed):
    """Words hidden from the encoder (Iyyer et al. 2015; arXiv 1511.06349, section 3.1)."""

    rate: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.05, description="Probability of a word to be replaced by the mask token."
    )


class RDrop(Timed):
    """Two passes with different dropout that must agree (arXiv 2106.14448)."""

    alpha: Annotated[float, Field(gt=0)] = Field(
        1.0, description="Weight of the divergence; 1 to 5 in the paper."
    )


class Distillation(Timed):
    """Self-distillation: from round 1 on, the fold's own model of the round before teaches its training rows."""

    weight: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="Share of the teacher; the labels have the rest."
    )
    temperature: Annotated[float, Field(gt=0)] = Field(
        2.0, description="Of both distributions (arXiv 1503.02531)."
    )


class Stopping(Block):
    """The best epoch, chosen on rows held out inside the training part: the fold itself is never looked at."""

    share: Annotated[float, Field(gt=0, le=0.5)] = Field(
        0.1, description="Share of the training rows held out."
    )
    patience: Positive | None = Field(
        None, description="Stop after as many epochs without gain; null: train to the end."
    )
    score: Literal["loss", "accuracy", "macro_f1"] = Field(
        "loss", description="What is compared; accuracy and macro_f1 for single_label tasks."
    )


class Refit(Block):
    """Each fold's model goes on over all training rows, its own fold with them, to predict the test rows.

    The held-out predictions, the scores and the votes for pseudo-labels stay those of before.
    """

    epochs: Annotated[float, Field(gt=0)] = Field(1, description="Passes over all rows.")
    rate: Annotated[float, Field(gt=0, le=1)] = Field(0.1, description="Factor on the learning rates.")


class Lora(Block):
    """Low-rank adapters instead of all weights (arXiv 2106.09685); needs envs/lora.txt."""

    rank: Positive = Field(8, description="Rank of the adapters.")
    alpha: Annotated[float, Field(gt=0)] = Field(16.0, description="Their scale, over the rank.")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(0.0, description="Dropout before the adapters.")
    targets: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="Names of linear modules; null: the query and value projections."
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
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="auto: bf16 where the device has it."
    )
    max_length: Annotated[int, Field(ge=8)] | Literal["auto"] = Field(
        128, description="Tokens kept of a row, special tokens counted; auto: as many as `max_cut` asks for."
    )
    max_cut: Fraction = Field(
        0.01,
        description="auto: share of the training rows that may lose tokens, the encoder's positions allowing.",
    )
    truncation: Literal["head", "tail", "head_tail"] = Field(
        "head", description="What is kept of a long text (arXiv 1905.05583, section 5.3.1)."
    )
    head_share: Fraction = Field(0.25, description="head_tail: share of what is kept from the head.")
    long_texts: Literal["cut", "chunks"] = Field(
        "cut", description="chunks: long texts become several sequences, pooled to one row (same section)."
    )
    max_chunks: Annotated[int, Field(ge=2)] = Field(4, description="Sequences of a row at most.")
    chunk_overlap: Annotated[int, Field(ge=0)] = Field(
        0, description="Tokens that a chunk repeats of the one before."
    )
    chunk_pooling: Literal["mean", "max", "attention"] = Field(
        "mean", description="How chunks become one vector."
    )
    pooling: PoolingName = Field(
        "mean",
        description="How token states become one vector. last4: first token of four layers and the pooler "
        "(arXiv 1905.05583); layers: weighted layers (1802.05365); attention: Yang et al. 2016; lstm: BiLSTM, then "
        "mean; transformer: one more layer, then mean; query: a learned query with several heads.",
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.1, description="Dropout of hidden states and head."
    )
    attention_dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Dropout of attention weights; 0 is faster on a CPU."
    )
    dropout_samples: Positive = Field(
        1, description="Dropout masks of the head whose losses are averaged (arXiv 1905.09788)."
    )
    reinit_layers: Annotated[int, Field(ge=0)] = Field(
        0, description="Top layers (and the pooler) that start from new weights (arXiv 2006.05987)."
    )
    loss: Loss = Field(default_factory=Loss)
    epochs: Annotated[float, Field(gt=0)] = Field(
        2, description="Passes over the training rows; 1.5 is one and a half."
    )
    steps: Positive | None = Field(None, description="Optimizer steps, instead of epochs.")
    batch_size: Positive = Field(32, description="Rows of one optimizer step.")
    batch_tokens: Annotated[int, Field(ge=64)] | None = Field(
        None, description="Tokens of one optimizer step at most, padding counted, instead of rows."
    )
    accumulate: Positive = Field(
        1, description="Parts that a batch is computed in: less memory, the same gradient."
    )
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="Course of the rates after warm-up."
    )
    warmup: Fraction = Field(0.1, description="Share of steps with a rising rate.")
    learning_rate: Annotated[float, Field(gt=0)] = Field(1e-4, description="Peak rate of the top layer.")
    head_learning_rate: Annotated[float, Field(gt=0)] = Field(
        1e-3, description="Peak rate of all that is new."
    )
    layer_decay: Annotated[float, Field(gt=0, le=1)] = Field(
        0.95, description="Factor on the rate for each layer further down (arXiv 1905.05583, section 5.3.4)."
    )
    weight_decay: Annotated[float, Field(ge=0)] = Field(
        0.01, description="Decoupled decay (AdamW); biases and norms have none."
    )
    max_grad_norm: Annotated[float, Field(gt=0)] = Field(
        1.0, description="Gradients are clipped to this norm."
    )
    freeze_layers: Annotated[int, Field(ge=0)] = Field(
        0, description="Lowest layers that stay as they are, the embeddings with them; 0: all is trained."
    )
    unfreeze: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="Gradual unfreezing from the top: epochs for each layer (arXiv 1801.06146, section 3.3).",
    )
    gradient_checkpointing: bool = Field(
        False, description="Less memory for a third more time (arXiv 1604.06174)."
    )
    adversarial: Adversarial | None = Field(None, description="Adversarial training.")
    average: Average | None = Field(None, description="Averaged weights.")
    mixup: Mixup | None = Field(None, description="Mixtures of rows.")
    word_dropout: WordDropout | None = Field(None, description="Hidden words.")
    r_drop: RDrop | None = Field(None, description="Two passes that must agree.")
    distillation: Distillation | None = Field(None, description="Self-distillation.")
    stopping: Stopping | None = Field(None, description="The best epoch instead of the last.")
    lora: Lora | None = Field(None, description="Low-rank adapters.")
    refit: Refit | None = Field(None, description="A last training on all rows.")
    threads: Positive = Field(2, description="CPU threads of one job; part of the result's determinism.")

    def settled(self, type: TaskType) -> dict[str, Any]:
        """The block with every null replaced whose meaning depends on other keys or on the task's type."""
        return settle(self.model_dump(), type)


LOSS_OF: dict[TaskType, str] = {
    "single_label": "cross_entropy",
    "multi_label": "binary",
    "regression": "mse",
}
LOSS_KEYS: dict[str, dict[str, float]] = {
    "focal": {"gamma": 2.0},
    "symmetric": {"alpha": 1.0, "beta": 1.0},
    "generalized": {"q": 0.7},
    "huber": {"delta": 1.0},
}
ADVERSARIAL_KEYS: dict[str, dict[str, Any]] = {
    "": {"epsilon": 1.0, "step_size": 0.3, "steps": 3, "same_dropout": False},
    "freelb": {"epsilon": 0.6, "step_size": 0.1, "same_dropout": True},
    "awp": {"epsilon": 0.01, "step_size": 1.0, "steps": 1},
}
AVERAGE_KEYS: dict[str, dict[str, Any]] = {
    "": {"start": 0.0, "every": 1},
    "swa": {"start": 0.75, "every": "epoch"},
}


def settle(block: dict[str, Any], type: TaskType) -> dict[str, Any]:
    """Replace every null in a block of the training loop whose meaning depends on other keys or on the task's type."""
    loss = {key: value for key, value in block["loss"].items() if value is not None}
    name = loss.get("name", LOSS_OF[type])
    usual = LOSS_KEYS.get(name, {}) | ({"effective_beta": 0.999} if "class_weight" in loss else {})
    if loss.get("class_weight") != "effective":
        usual.pop("effective_beta", None)
    block["loss"] |= {"name": name, **usual, **loss}
    for trick, keys in (("adversarial", ADVERSARIAL_KEYS), ("average", AVERAGE_KEYS)):
        if block[trick] is not None:
            told = {key: value for key, value in block[trick].items() if value is not None}
            block[trick] = keys[""] | keys.get(told["method"], {}) | told
    if block["average"] is not None and block["average"]["every"] == "epoch":
        block["average"]["every"] = None
    return block


class WordVectors(Model):
    """What kinds share that learn a vector for each word."""

    lowercase: bool = Field(True, description="Tell no upper from lower case.")
    min_count: Positive = Field(
        1, description="Words that occur less often are unknown, unless `vectors` has them."
    )
    max_words: Positive = Field(100_000, description="Keep this many words, by frequency.")
    vectors: Path | None = Field(
        None,
        description="Pretrained vectors to start from: a text file in the form of word2vec, fastText or GloVe, "
        "perhaps .gz; only the words of the training rows are read from it.",
    )


class FastText(WordVectors):
    """Averaged vectors of words and hashed n-grams below a linear softmax (arXiv 1607.01759)."""

    kind: Literal["fasttext"]
    dimensions: Positive = Field(50, description="Of a vector; `vectors` bring their own.")
    word_ngrams: Positive = Field(2, description="Longest word n-gram; 1 for words alone.")
    char_ngrams: Annotated[list[Positive], Field(min_length=2, max_length=2)] | None = Field(
        None, description="Shortest and longest character n-gram inside words; null for none."
    )
    buckets: Positive = Field(200_000, description="Vectors that all n-grams share, by their hashes.")
    epochs: Positive = Field(25, description="Passes over the training rows.")
    learning_rate: Annotated[float, Field(gt=0)] = Field(
        0.5, description="First rate; it falls to 0 row by row."
    )
    smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.05, description="Label smoothing (arXiv 1512.00567, section 7); the paper has none."
    )


class TextCnn(WordVectors):
    """Convolutions over word vectors, max over time, a linear layer (arXiv 1408.5882)."""

    kind: Literal["textcnn"]
    min_count: Positive = Field(
        2, description="Words that occur less often are unknown, unless `vectors` has them."
    )
    channels: Literal["tuned", "static", "both"] = Field(
        "tuned",
        description="Word vectors are trained, or stay as `vectors` has them; both: one channel of each (section 2).",
    )
    dimensions: Positive = Field(300, description="Of a word vector; `vectors` bring their own.")
    max_length: Positive = Field(256, description="Words kept of a row.")
    widths: Annotated[list[Positive], Field(min_length=1)] = Field(
        default_factory=lambda: [3, 4, 5], description="Words that a filter sees."
    )
    filters: Positive = Field(100, description="Filters of each width.")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(0.5, description="Dropout before the last layer.")
    max_norm: Annotated[float, Field(gt=0)] | None = Field(
        3.0, description="Bound s on the norm of each class's weights (section 2.1); null for none."
    )
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="auto: bf16 where the device has it."
    )
    loss: Loss = Field(
        default_factory=lambda: Loss(smoothing=0.1),
        description="Its loss; where nothing is said, cross_entropy is smoothed.",
    )
    epochs: Annotated[float, Field(gt=0)] = Field(8, description="Passes over the training rows.")
    batch_size: Positive = Field(50, description="Rows of one optimizer step.")
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="Course of the rate after warm-up."
    )
    warmup: Fraction = Field(0.1, description="Share of steps with a rising rate.")
    learning_rate: Annotated[float, Field(gt=0)] = Field(2e-3, description="Peak rate.")
    weight_decay: Annotated[float, Field(ge=0)] = Field(
        0.01, description="Decoupled decay (AdamW); biases have none."
    )
    max_grad_norm: Annotated[float, Field(gt=0)] = Field(
        5.0, description="Gradients are clipped to this norm."
    )
    adversarial: Adversarial | None = Field(None, description="Adversarial training.")
    average: Average | None = Field(None, description="Averaged weights.")
    mixup: Mixup | None = Field(None, description="Mixtures of rows.")
    word_dropout: WordDropout | None = Field(
        default_factory=lambda: WordDropout(rate=0.1), description="Words turned into unknown ones."
    )
    r_drop: RDrop | None = Field(None, description="Two passes that must agree.")

    def settled(self, type: TaskType) -> dict[str, Any]:
        """The block with every null replaced whose meaning depends on other keys or on the task's type."""
        block = self.model_dump()
        if type != "single_label" and "loss" not in self.model_fields_set:
            block["loss"]["smoothing"] = None  # only cross-entropy has it
        return settle(block, type)


AnyModel = Annotated[Linear | Lightgbm | FastText | TextCnn | Transformer, Field(discriminator="kind")]
KINDS: dict[str, type[Model]] = {
    get_args(cls.model_fields["kind"].annotation)[0]: cls
    for cls in (Linear, Lightgbm, FastText, TextCnn, Transformer)
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


def block_of(annotation: Any) -> type[BaseModel] | None:
    """The class of a block that a key holds, also where it may be null; None for plain values."""
    kinds = get_args(annotation) or (annotation,)
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def member_names(config: Config) -> list[str]:
    """All members, ``model-sSEED``, in the order of the config."""
    return [f"{name}-s{seed}" for name, model in config.models.items() for seed in model.seeds]


def schema() -> dict[str, Any]:
    """The config's JSON schema, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}

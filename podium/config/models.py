"""Blocks of the kinds of models."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from podium.config.base import REVISION_PATTERN, Block, Fraction, Model, Path, Positive, Seed
from podium.config.training import (
    Adversarial,
    Average,
    Distillation,
    Lora,
    Loss,
    Mixup,
    RDrop,
    Refit,
    Stopping,
    WordDropout,
    settle,
)
from podium.targets import TaskType

PoolingName = Literal[
    "mean", "cls", "max", "mean_max", "pooler", "last4", "last4_cls", "layers",
    "attention", "lstm", "transformer", "query",
]  # fmt: skip

Pattern = Annotated[str, StringConstraints(min_length=1)]


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
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=1)] = Field(
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
    # LightGBM's work grows with rows times columns: without a bound, as new words never end, faster than n log n
    tfidf: Tfidf = Field(
        default_factory=lambda: Tfidf(char_ngrams=None, word_ngrams=[1, 1], min_df=5, max_features=20_000),
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
        description="Use the mean states of a frozen encoder: a local folder (config, tokenizer, safetensors), a "
        "Hugging Face Hub name, or pretrain/NAME.",
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
        0.5, description="Share of the features that a split may choose from."
    )


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
        "linear", description="Course of the rate after warm-up; cosine: arXiv 1608.03983, without restarts."
    )
    warmup: Fraction = Field(0.1, description="Share of steps with a rising rate.")
    learning_rate: Annotated[float, Field(gt=0)] = Field(2e-3, description="Peak rate.")
    weight_decay: Annotated[float, Field(ge=0)] = Field(
        0.01, description="Decoupled decay (AdamW, arXiv 1711.05101); biases have none."
    )
    max_grad_norm: Annotated[float, Field(gt=0)] = Field(
        5.0, description="Gradients are clipped to this norm (arXiv 1211.5063)."
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


class Pretrained(Model):
    """A pretrained encoder, fine-tuned: where it comes from and how it is trained, whatever is on top."""

    encoder: str = Field(
        description="A local folder (config, tokenizer, safetensors), a Hugging Face Hub name, or pretrain/NAME."
    )
    revision: Annotated[str, StringConstraints(pattern=REVISION_PATTERN)] | None = Field(
        None, description="Revision on the Hub; null takes the newest."
    )
    allow_missing: list[Pattern] = Field(
        default_factory=list,
        description="Patterns (with *) of parameters that may start from random numbers where the encoder's files lack "
        "them; others are an error.",
    )
    allow_unexpected: list[Pattern] = Field(
        default_factory=list,
        description="Patterns (with *) of the encoder's weights that may be left aside where its config.json has no "
        "place for them; others are an error.",
    )
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="auto: bf16 where the device has it."
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
    steps: Positive | None = Field(None, description="Optimizer steps, instead of epochs.")
    accumulate: Positive = Field(
        1, description="Parts that a batch is computed in: less memory, the same gradient."
    )
    devices: Positive = Field(
        1,
        description="GPUs that share each batch of a training job; without a GPU, processes that share its threads.",
    )
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="Course of the rates after warm-up; cosine: arXiv 1608.03983, without restarts."
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
        0.01, description="Decoupled decay (AdamW, arXiv 1711.05101); biases and norms have none."
    )
    max_grad_norm: Annotated[float, Field(gt=0)] = Field(
        1.0, description="Gradients are clipped to this norm (arXiv 1211.5063)."
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
    word_dropout: WordDropout | None = Field(None, description="Hidden words.")
    r_drop: RDrop | None = Field(None, description="Two passes that must agree.")
    lora: Lora | None = Field(None, description="Low-rank adapters.")
    refit: Refit | None = Field(None, description="A last training on all rows.")


class Transformer(Pretrained):
    """A pretrained encoder, fine-tuned with a pooled classification head."""

    kind: Literal["transformer"]
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
        "(arXiv 1905.05583); layers: weighted layers (1802.05365); attention: Yang et al. 2016; lstm: BiLSTM "
        "(Graves and Schmidhuber 2005), then mean; transformer: one more layer (1706.03762), then mean; query: a "
        "learned query with several heads.",
    )
    reinit_layers: Annotated[int, Field(ge=0)] = Field(
        0, description="Top layers (and the pooler) that start from new weights (arXiv 2006.05987)."
    )
    loss: Loss = Field(default_factory=Loss)
    epochs: Annotated[float, Field(gt=0)] = Field(
        2, description="Passes over the training rows; 1.5 is one and a half."
    )
    batch_size: Positive = Field(32, description="Rows of one optimizer step.")
    batch_tokens: Annotated[int, Field(ge=64)] | None = Field(
        None, description="Tokens of one optimizer step at most, padding counted, instead of rows."
    )
    mixup: Mixup | None = Field(None, description="Mixtures of rows.")
    distillation: Distillation | None = Field(None, description="Self-distillation.")
    stopping: Stopping | None = Field(None, description="The best epoch instead of the last.")

    def settled(self, type: TaskType) -> dict[str, Any]:
        """The block with every null replaced whose meaning depends on other keys or on the task's type."""
        return settle(self.model_dump(), type)

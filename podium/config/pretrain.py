"""The config of the pretrainings: what is read, what is hidden, what network, how long."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from podium.config.base import REVISION_PATTERN, Block, Fraction, Name, Path, Positive

Rate = Annotated[float, Field(gt=0, lt=1)]
Dropout = Annotated[float, Field(ge=0, lt=1)]


class Scratch(Block):
    """A new BERT with a vocabulary of the task's own texts, for corpora that no pretrained encoder can read."""

    tokens: Literal["words", "characters", "subwords"] = Field(
        "words",
        description="words: runs of letters, digits and _, and runs of other signs (texts whose words are numbers); "
        "characters: letter by letter; subwords: byte-pair encoding (arXiv 1508.07909).",
    )
    vocab_size: Annotated[int, Field(ge=16)] = Field(
        30_000, description="Tokens at most, by frequency, special ones counted."
    )
    min_count: Positive = Field(2, description="Tokens that occur less often are unknown.")
    hidden_size: Positive = Field(256, description="Width of the states; a multiple of `heads`.")
    layers: Positive = Field(4, description="Layers.")
    heads: Positive = Field(4, description="Attention heads of a layer.")
    intermediate_size: Positive = Field(1024, description="Width inside the feed-forward layers.")
    positions: Annotated[int, Field(ge=8)] = Field(
        512, description="Tokens of the longest input, special tokens counted."
    )
    init: Literal["random", "ppmi", "vectors"] = Field(
        "random",
        description="First word embeddings. ppmi: singular vectors of the texts' positive pointwise mutual "
        "information (Levy and Goldberg 2014), what word2vec factorises; vectors: those of a file.",
    )
    window: Positive = Field(5, description="ppmi: words on either side that count as company.")
    negatives: Annotated[float, Field(ge=1)] = Field(
        1.0, description="ppmi: word2vec's k, whose logarithm is taken off the mutual information."
    )
    vectors: Path | None = Field(
        None,
        description="vectors: a text file in the form of word2vec, fastText or GloVe, `hidden_size` numbers a word.",
    )


class Pretraining(Block):
    """A named pretraining on the competition's texts; a model takes its result by `encoder: pretrain/NAME`."""

    encoder: str | None = Field(
        None,
        description="The encoder to go on from: a local folder (config, tokenizer, safetensors) or a Hugging Face Hub "
        "name; null where `scratch` makes a new one.",
    )
    revision: Annotated[str, StringConstraints(pattern=REVISION_PATTERN)] | None = Field(
        None, description="Revision on the Hub; null takes the newest."
    )
    scratch: Scratch | None = Field(None, description="A new network instead of `encoder`.")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="Added to the run's seed.")
    tasks: Annotated[list[Name], Field(min_length=1)] | None = Field(
        None, description="Tasks whose texts are read; null: all of the competition."
    )
    view: Name = Field("raw", description="Text view that is read; the models should read the same.")
    texts: Annotated[list[Name], Field(min_length=1)] | None = Field(
        None,
        description="Parts that are read: train, test, names of external and unlabelled files; null: all of them.",
    )
    test: bool = Field(
        True,
        description="false leaves the test texts out whatever `texts` says, where a competition forbids their use.",
    )
    objective: Literal["mlm", "rtd"] = Field(
        "mlm",
        description="mlm: masked tokens are guessed (BERT, arXiv 1810.04805); rtd: tokens that a small generator "
        "replaced are found (ELECTRA, arXiv 2003.10555).",
    )
    masking: Literal["token", "whole_word", "ngram"] = Field(
        "whole_word",
        description="What is masked at once: tokens; words (in Chinese as rjieba cuts them, arXiv 1906.08101); runs of "
        "words (arXiv 2004.13922).",
    )
    rate: Rate = Field(0.15, description="Expected share of tokens that are masked.")
    ngrams: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=1, max_length=10)] = Field(
        default_factory=lambda: [0.4, 0.3, 0.2, 0.1],
        description="ngram: weights of runs of 1, 2, 3, ... words (arXiv 2004.13922, section 3.2).",
    )
    generator: Annotated[float, Field(gt=0, le=1)] = Field(
        0.25, description="rtd: the generator's width as a share of the encoder's."
    )
    detection_weight: Annotated[float, Field(gt=0)] = Field(
        50.0, description="rtd: weight of the encoder's loss beside the generator's."
    )
    pack: bool = Field(
        True,
        description="Several texts, with separators, fill a sequence of `max_length`; false: one row of the task each, "
        "long ones in several sequences.",
    )
    max_length: Annotated[int, Field(ge=8)] = Field(
        128, description="Tokens of a sequence, special tokens counted."
    )
    epochs: Annotated[float, Field(gt=0)] = Field(3, description="Passes over the texts.")
    steps: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="Optimizer steps, instead of epochs; 0 leaves the network as it was, to compare with.",
    )
    batch_tokens: Annotated[int, Field(ge=64)] = Field(
        4096, description="Tokens of one optimizer step at most, padding counted."
    )
    accumulate: Positive = Field(
        1, description="Parts that a batch is computed in: less memory, the same gradient."
    )
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="Course of the rate after warm-up."
    )
    warmup: Fraction = Field(0.06, description="Share of steps with a rising rate.")
    learning_rate: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Peak rate; null: 1e-4, of a network from scratch 5e-4."
    )
    weight_decay: Annotated[float, Field(ge=0)] = Field(
        0.01, description="Decoupled decay (AdamW); biases and norms have none."
    )
    max_grad_norm: Annotated[float, Field(gt=0)] = Field(
        1.0, description="Gradients are clipped to this norm."
    )
    dropout: Dropout = Field(0.1, description="Dropout of hidden states.")
    attention_dropout: Dropout = Field(0.0, description="Dropout of attention weights; 0 is faster on a CPU.")
    held_out: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.02,
        description="Share of the texts that are only looked at for the perplexity, near-duplicates together; 0: none.",
    )
    evaluations: Positive = Field(
        10, description="Points of the perplexity's curve after the first, evenly spaced."
    )
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="auto: bf16 where the device has it."
    )
    threads: Positive = Field(2, description="CPU threads of the job; part of the result's determinism.")

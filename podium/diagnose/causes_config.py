"""Causes in the config: rates, steps and warm-up, by what is usual for a network of this kind and size."""

import dataclasses
from collections.abc import Iterator

from podium.diagnose.facts import Facts
from podium.diagnose.finding import Finding, Severity
from podium.engine.optimization import warmup_steps


@dataclasses.dataclass(frozen=True, slots=True)
class Usual:
    """A range of rates, and who says so."""

    low: float
    high: float
    source: str

    def outside(self, rate: float) -> float:
        """How many times too high or too low a rate is; at most 1 inside the range."""
        return max(rate / self.high, self.low / rate)

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g} ({self.source})"


#: Peak rates of AdamW for pretrained encoders, by the least width of their states.
ENCODERS = (
    (1000, Usual(5e-6, 5e-5, "large: BERT 2e-5 to 5e-5, RoBERTa 1e-5 to 3e-5, arXiv 1810.04805, 1907.11692")),
    (640, Usual(1e-5, 1e-4, "base: BERT 2e-5 to 5e-5, ELECTRA 1e-4, arXiv 1810.04805, 2003.10555")),
    (256, Usual(2e-5, 5e-4, "small: compact BERTs 3e-5 to 3e-4, arXiv 1908.08962")),
    (
        0,
        Usual(
            3e-5, 5e-3, "tiny: compact BERTs 3e-5 to 3e-4, arXiv 1908.08962; more where trained from scratch"
        ),
    ),
)
LORA = Usual(1e-4, 2e-3, "LoRA, arXiv 2106.09685, appendix D")
OTHERS = {
    "textcnn": Usual(2e-4, 1e-2, "Adam on word vectors, arXiv 1412.6980 and this product's own runs"),
    "fasttext": Usual(0.05, 1.0, "arXiv 1607.01759, section 3"),
    "lightgbm": Usual(0.01, 0.3, "the library's guide to tuning"),
}
LIKELY, SEVERE = 3.0, 10.0
"""Times outside of the range from which a rate is a likely, a severe cause."""
HEAD = Usual(2e-5, 1e-2, "as much as the encoder's or more, arXiv 1801.06146, section 3.1")
LEAST_DECAY = 0.7
FEW_STEPS, VERY_FEW_STEPS = 100, 40
ENOUGH_STEPS = (
    f"{FEW_STEPS} steps or more, and a loss that is flat at the end; small data sets need more epochs "
    "(arXiv 2006.04884, section 6; 2006.05987, section 6)"
)
MOST_WARMUP, FAR_TOO_MUCH_WARMUP = 0.3, 0.6
LEAST_BOOST = 2.0


def encoder_range(hidden: int) -> Usual:
    """The usual rates for an encoder whose states are ``hidden`` wide."""
    return next(usual for least, usual in ENCODERS if hidden >= least)


def learning_rate(facts: Facts) -> Iterator[Finding]:
    """The peak rate, against what is usual for the kind of network and its size."""
    usual, rate = _usual(facts), facts.options.get("learning_rate")
    if usual is None or rate is None or usual.outside(rate) <= 1:
        return
    times, high = usual.outside(rate), rate > usual.high
    bound = usual.high if high else usual.low
    told = f"{times:.3g} times the highest" if high else f"1/{times:.3g} of the lowest"
    yield Finding(
        cause="learning_rate",
        severity=_graded(times),
        figure=f"learning_rate {rate:g} is {told} usual rate",
        usual=f"{usual}",
        advice=f"set {facts.member.key('learning_rate')} to {bound:g} or {'less' if high else 'more'}",
    )


def _usual(facts: Facts) -> Usual | None:
    if facts.options.get("lora"):
        return LORA
    if facts.member.kind in OTHERS:
        return OTHERS[facts.member.kind]
    if facts.encoder is None or facts.encoder.mistake is not None:
        return None
    return encoder_range(facts.encoder.hidden)


def _graded(times: float) -> Severity:
    return "severe" if times >= SEVERE else "likely" if times >= LIKELY else "possible"


def head_rate(facts: Facts) -> Iterator[Finding]:
    """The rate of the new layers, which have more to learn than the pretrained ones."""
    head, rate, usual = (
        facts.options.get("head_learning_rate"),
        facts.options.get("learning_rate"),
        _usual(facts),
    )
    if head is None or rate is None:
        return
    least = (
        min(rate, usual.high) if usual is not None else rate
    )  # another cause tells of a rate that is too high
    if HEAD.outside(head) <= 1 and (head >= least or facts.options.get("lora")):
        return
    yield Finding(
        cause="head_learning_rate",
        severity="likely" if HEAD.outside(head) >= LIKELY else "possible",
        figure=f"head_learning_rate {head:g} for all that is new, beside learning_rate {rate:g}",
        usual=f"{HEAD}",
        advice=f"set {facts.member.key('head_learning_rate')} to 1e-3",
    )


def layer_decay(facts: Facts) -> Iterator[Finding]:
    """Lower layers that hardly train, or do not at all."""
    decay, frozen = facts.options.get("layer_decay"), facts.options.get("freeze_layers", 0)
    if decay is None or facts.encoder is None or facts.encoder.mistake is not None:
        return
    layers = facts.encoder.layers
    if decay < LEAST_DECAY:
        yield Finding(
            cause="layer_decay",
            severity="likely" if decay < LEAST_DECAY / 2 else "possible",
            figure=f"layer_decay {decay:g} leaves the lowest of {layers} layers {decay**layers:.1g} of the rate",
            usual="0.8 to 1 (ELECTRA 0.8 and 0.9, arXiv 2003.10555, appendix B; 0.95 in 1905.05583, section 5.3.4)",
            advice=f"set {facts.member.key('layer_decay')} to 0.9 or more",
        )
    if frozen and frozen >= layers:
        yield Finding(
            cause="frozen_layers",
            severity="likely",
            figure=f"freeze_layers {frozen} freezes all {layers} layers: only the head is trained",
            usual="fine-tuning all layers is better on nearly every task (arXiv 1903.05987)",
            advice=f"set {facts.member.key('freeze_layers')} to 0",
        )


def few_steps(facts: Facts) -> Iterator[Finding]:
    """Few optimizer steps before a run; after one, ``unfinished_training`` sees whether they were too few."""
    steps = facts.steps()
    if facts.member.kind == "lightgbm":
        yield from _few_trees(facts)
        return
    if facts.curves or steps is None or steps >= FEW_STEPS:
        return
    yield Finding(
        cause="too_few_steps",
        severity="likely" if steps < VERY_FEW_STEPS else "possible",
        figure=f"{steps} optimizer steps a fold ({_length(facts)}, batch_size {facts.options['batch_size']})",
        usual=ENOUGH_STEPS,
        advice=f"raise {facts.member.key('steps' if facts.options.get('steps') else 'epochs')}, or lower batch_size",
    )


def _length(facts: Facts) -> str:
    steps = facts.options.get("steps")
    return f"steps {steps}" if steps else f"epochs {facts.options['epochs']:g}"


def _few_trees(facts: Facts) -> Iterator[Finding]:
    trees, rate = facts.options["trees"], facts.options["learning_rate"]
    if trees * rate < LEAST_BOOST:
        yield Finding(
            cause="too_few_steps",
            severity="likely",
            figure=f"{trees} trees at learning_rate {rate:g} add up to {trees * rate:.2g}",
            usual="about 10 (the library's defaults are 100 trees at 0.1)",
            advice=f"raise {facts.member.key('trees')} to {round(10 / rate)}",
        )


def warmup(facts: Facts) -> Iterator[Finding]:
    """A rate that rises for most of the run."""
    part, steps = facts.options.get("warmup"), facts.steps()
    if part is None or part <= MOST_WARMUP:
        return
    rising = "" if steps is None else f": {warmup_steps(steps, part)} of {steps} steps"
    yield Finding(
        cause="warmup",
        severity="likely" if part >= FAR_TOO_MUCH_WARMUP else "possible",
        figure=f"the rate still rises for {part:.0%} of the run{rising}",
        usual="6% (RoBERTa, arXiv 1907.11692, table 10) to 10% (ELECTRA, 2003.10555, appendix B)",
        advice=f"set {facts.member.key('warmup')} to 0.1",
    )


def untrained_places(facts: Facts) -> Iterator[Finding]:
    """Texts longer than what the pretraining of a new network read: the places behind are as they were drawn."""
    places, length = facts.member.places, facts.options.get("max_length")
    if places is None or not isinstance(length, int) or length <= places:
        return
    yield Finding(
        cause="untrained_places",
        severity="possible",
        figure=f"max_length {length}, but the new network was pretrained on sequences of {places} tokens",
        usual="long sequences in the last tenth of the pretraining, too (BERT, arXiv 1810.04805, appendix A.2)",
        advice=f"set {facts.member.key('max_length')} to {places}, or the pretraining's max_length to {length}",
    )

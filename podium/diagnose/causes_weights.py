"""Causes in the weights: not loaded, a pooler or an encoder that hardly learned, a tokenizer of another model."""

from collections.abc import Iterator

from podium.diagnose.facts import Facts
from podium.diagnose.finding import Finding, Severity, listed, worst
from podium.report_pretrain import hardly_learned

READS_POOLER = ("pooler", "last4")
SPARE_ROWS, SPARE_SHARE = 256, 0.05
"""Embeddings without a token: more of both than this is not the usual filling up to a round number."""


def unusable_encoder(facts: Facts) -> Iterator[Finding]:
    """An encoder that the engine will refuse."""
    if facts.encoder is None or facts.encoder.mistake is None:
        return
    yield Finding(
        cause="unusable_encoder",
        severity="severe",
        figure=facts.encoder.mistake.removeprefix("transformer: "),
        usual="all files of an encoder from one model and revision; missing and unknown weights are errors",
        advice=f"mend the folder, or {facts.member.key('encoder')} and {facts.member.key('max_length')}",
    )


def weights_not_loaded(facts: Facts) -> Iterator[Finding]:
    """Weights that start from random numbers or are left aside, as the config allows it."""
    if facts.encoder is None:
        return
    for names, what, key in (
        (facts.encoder.missing, "start from random numbers", "allow_missing"),
        (facts.encoder.unexpected, "are left aside", "allow_unexpected"),
    ):
        if names:
            yield Finding(
                cause="weights_not_loaded",
                severity="likely",
                figure=f"{len(names)} weights of the encoder {what}: {listed(list(names), 2)}",
                usual="none",
                advice=f"take weights and config.json from one model, then leave {facts.member.key(key)} out",
            )


def new_pooler(facts: Facts) -> Iterator[Finding]:
    """A pooling through a pooler without pretrained weights."""
    pooling = facts.options.get("pooling")
    if facts.encoder is None or not facts.encoder.new_pooler or pooling not in READS_POOLER:
        return
    yield Finding(
        cause="new_pooler",
        severity="likely",
        figure=f"pooling {pooling} reads the pooler, and the encoder's files have no weights for it: they are random",
        usual="only encoders pretrained with next-sentence prediction bring one (arXiv 1810.04805, section 3.1)",
        advice=f"set {facts.member.key('pooling')} to {'mean or cls' if pooling == 'pooler' else 'mean or last4_cls'}",
    )


def tokenizer_weights(facts: Facts) -> Iterator[Finding]:
    """A tokenizer whose ids are not those of the word embeddings."""
    encoder, found = facts.encoder, facts.tokenizing
    if encoder is None or encoder.mistake is not None or found is None:
        return
    reasons: list[str] = []
    severities: list[Severity] = []
    if found.size is not None and found.size > encoder.rows:
        severities.append("severe")
        reasons.append(f"its ids go up to {found.size - 1}, the encoder has {encoder.rows} word embeddings")
    spare = 0 if found.size is None else encoder.rows - found.size
    if spare > max(SPARE_ROWS, SPARE_SHARE * encoder.rows):
        severities.append("likely")
        reasons.append(f"it has {found.size} tokens for {encoder.rows} word embeddings")
    for role, number in found.special.items():
        if number is not None and number >= encoder.rows:
            severities.append("severe")
            reasons.append(
                f"its {role} token is number {number}, the encoder has {encoder.rows} word embeddings"
            )
    pad = found.special["pad"]
    if None not in (pad, encoder.pad) and pad != encoder.pad:
        # RoBERTa and its kin count positions from the padding's id; to others it is but a name
        severities.append("severe" if "roberta" in encoder.kind else "possible")
        reasons.append(f"it pads with {pad}, config.json says {encoder.pad}")
    if reasons:
        yield Finding(
            cause="tokenizer_weights",
            severity=worst(severities),
            figure=f"the tokenizer does not match the weights ({encoder.kind}): {'; '.join(reasons)}",
            usual="as many tokens as embeddings, but for a few embeddings up to a round number",
            advice=f"take tokenizer and weights of {facts.member.key('encoder')} from one model",
        )


def untrained_encoder(facts: Facts) -> Iterator[Finding]:
    """A pretraining that ended near the perplexity of the tokens' bare frequencies."""
    found = facts.pretraining
    if found is None or not hardly_learned(found):
        return
    key = f"pretrain.{found['name']}"
    yield Finding(
        cause="untrained_encoder",
        severity="likely",
        figure=f"{key} ended at a perplexity of {found['last']['perplexity']:.1f}, and the tokens' bare frequencies "
        f"have {found['frequencies']:.1f}",
        usual="a fifth of it or less, after a steep fall that the curve shows",
        advice=f"set {key}.masking to token, pack to false where texts are short, raise its epochs, or lower its "
        "learning_rate",
    )

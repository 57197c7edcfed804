"""What the summary says of pretrained encoders: which texts they have seen, and what that means for the score."""

from typing import Any

HARDLY = 0.5
"""Share of the perplexity of the tokens' bare frequencies above which a network has learned little of its texts. Ours:
on TNEWS as numbers (872) an encoder that ended at 134 helps, those that ended at 556 to 628 do harm."""


def hardly_learned(facts: dict[str, Any]) -> bool:
    """Whether a pretraining ended near the perplexity of the tokens' bare frequencies, by the facts that it writes.

    False of a network that was not to be trained, and of replaced tokens: the perplexity there is that of the
    generator, which is thrown away. Facts of earlier versions have no frequencies.
    """
    last, frequencies = facts["last"], facts.get("frequencies")
    if not facts["steps"] or facts.get("objective") != "mlm" or frequencies is None or last is None:
        return False
    return bool(last["perplexity"] > HARDLY * frequencies)


def pretrain_notes(facts: list[dict[str, Any]]) -> list[str]:
    """Return a sentence for each pretraining; ``facts`` are those that stage pretrain writes."""
    return [_note(each) for each in facts if each["steps"]]


def _note(facts: dict[str, Any]) -> str:
    name, parts, first, last = (facts[key] for key in ("name", "parts", "first", "last"))
    fell = (
        f"; held-out perplexity {first['perplexity']:.1f} to {last['perplexity']:.1f}"
        if first and last
        else ""
    )
    if hardly_learned(facts):
        fell += (
            f", and the tokens' bare frequencies have {facts['frequencies']:.1f}: it has hardly learned; try masking: "
            "token, pack: false where texts are short, more steps, a lower learning_rate"
        )
    read = f"pretrain/{name} read the texts, not the labels, of {', '.join(parts)}"
    # Of several tasks each part has its task's name before it
    kinds = {part.rpartition("/")[2] for part in parts}
    if "test" in kinds:
        return f"{read}: transductive (pretrain.{name}.test: false leaves the test texts out){fell}"
    if "train" in kinds:
        return f"{read}: it knows the held-out texts and not those of test, so the CV may be a little too good{fell}"
    return f"{read}{fell}"

"""What the summary says of pretrained encoders: which texts they have seen, and what that means for the score."""

from collections.abc import Sequence
from typing import Any

HARDLY = 0.5
"""Share of the perplexity of the tokens' bare frequencies above which a network has learned little of its texts. Ours:
on TNEWS as numbers (872) an encoder that ended at 134 helps, those that ended at 556 to 628 do harm."""


def hardly_learned(objective: str, points: Sequence[dict[str, Any]], frequencies: float | None) -> bool:
    """Whether a pretraining ends at a perplexity near that of the tokens' bare frequencies; ``points`` of its curve.

    Of replaced tokens nothing is said: the perplexity there is that of the generator, which is thrown away.
    """
    if objective != "mlm" or frequencies is None or not points:
        return False
    return bool(points[-1]["perplexity"] > HARDLY * frequencies)


def stuck(facts: dict[str, Any]) -> bool:
    """The same of the facts that stage pretrain writes; false of a network that was not to be trained.

    Facts of earlier versions have no frequencies.
    """
    last = [facts["last"]] if facts["last"] and facts["steps"] else []
    return hardly_learned(str(facts.get("objective")), last, facts.get("frequencies"))


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
    if stuck(facts):
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

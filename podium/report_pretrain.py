"""What the summary says of pretrained encoders: which texts they have seen, and what that means for the score."""

from typing import Any


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
    read = f"pretrain/{name} read the texts, not the labels, of {', '.join(parts)}"
    # Of several tasks each part has its task's name before it
    kinds = {part.rpartition("/")[2] for part in parts}
    if "test" in kinds:
        return f"{read}: transductive (pretrain.{name}.test: false leaves the test texts out){fell}"
    if "train" in kinds:
        return f"{read}: it knows the held-out texts and not those of test, so the CV may be a little too good{fell}"
    return f"{read}{fell}"

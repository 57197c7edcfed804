"""Combinations of a ``multitask`` model's keys that mean nothing, for its options and for the config's checks.

Apart from the options, whose imports take seconds: every look at the workflow checks the config.
"""

from collections.abc import Iterator


def impossible(
    *,
    mode: str,
    loss: str | None,
    balance: str,
    lora: bool,
    stopping: bool,
    patience: bool,
    average: str | None,
) -> Iterator[str]:
    """Yield each mistake with its key; what is given is what the block says."""
    if mode == "flat" and loss == "corn":
        yield "loss.name: corn needs classes in one order, and those of several tasks have none; use mode: heads"
    if lora and stopping:
        yield "stopping: with lora there is one set of weights for all tasks; leave one of the two out"
    if lora and balance == "gradnorm":
        yield "balance.method: gradnorm reads the gradient of the top layer, which lora freezes; choose another"
    if patience and average == "swa":
        yield "stopping.patience: swa averages the end of a run of known length; leave patience out"

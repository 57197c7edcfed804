"""What a recipe asks for and a run of its length does not do: only the run itself knows how many steps an epoch has."""

import math
from collections.abc import Iterator

from podium.engine.averaging import Average
from podium.engine.optimization import Unfreezing
from podium.engine.recipe import Recipe


def cautions(
    recipe: Recipe, *, steps: int, per_epoch: int, average: Average | None, unfreezing: Unfreezing | None
) -> Iterator[str]:
    """Yield a sentence for each part of ``recipe`` that is idle in ``steps`` of ``per_epoch`` in an epoch."""
    epochs = steps / per_epoch
    for trick, first in recipe.since.items():
        if first > math.ceil(epochs):
            yield f"{trick}.from_epoch: {first} is after the last epoch, {math.ceil(epochs)}: it never begins"
    if average is not None and average.takings < 2:
        yield "average: weights are taken once only, after the last step, so that nothing is averaged"
    never = [] if unfreezing is None else unfreezing.frozen((steps - 1) / per_epoch)
    if unfreezing is not None and never:
        layers = [depth for depth in never if depth]
        parts = ["the embeddings"] if 0 in never else []
        parts += [f"layers {layers[0]} to {layers[-1]}"] if layers else []
        below = " and ".join(parts)
        yield f"unfreeze: with {unfreezing.every:g} epochs for each layer {below} never train in {epochs:.3g}"

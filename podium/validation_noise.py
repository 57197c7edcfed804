"""Mistakes in the noise stage's block that only show beside other blocks of the config."""

from collections.abc import Iterator

from podium.config import Config
from podium.errors import hint


def noise_checks(config: Config) -> Iterator[str]:
    """Yield a line for each mistake."""
    noise, views = config.noise, list(config.text.views)
    if noise.view not in views:
        yield f"noise.view: there is no text view '{noise.view}'; {hint(noise.view, views)}"
    for name in dict.fromkeys(noise.models or []):
        if name not in config.models:
            yield f"noise.models: there is no model '{name}'; {hint(name, config.models)}"
        if (noise.models or []).count(name) > 1:
            yield f"noise.models: {name} stands there more than once"
    yield from _unused(config)


def _unused(config: Config) -> Iterator[str]:
    """Keys that the rest of the block makes useless, where they are not at their default."""
    noise = config.noise
    because = {
        "view": "is of the built-in model; those in noise.models have views of their own"
        if noise.models
        else None,
        "inner_folds": "only for mode: nested; plain uses the run's folds" if noise.mode == "plain" else None,
        "margin": "only for filter_by: margin" if noise.filter_by != "margin" else None,
    }
    for key, why in because.items():
        if why is not None and getattr(noise, key) != type(noise).model_fields[key].default:
            yield f"noise.{key}: {why}; take it out"

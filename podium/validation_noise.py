"""Mistakes in the noise stage's block that only show beside other blocks of the config."""

from collections.abc import Iterator

from podium.config import Config
from podium.errors import hint


def noise_checks(config: Config) -> Iterator[str]:
    """Yield a line for each mistake."""
    view, views = config.noise.view, list(config.text.views)
    if view not in views:
        yield f"noise.view: there is no text view '{view}'; {hint(view, views)}"

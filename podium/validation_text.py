"""Mistakes in the text views that only show beside other blocks of the config."""

from collections.abc import Iterator

from podium.config import Config

RESERVED = ("train", "test")


def text_checks(config: Config) -> Iterator[str]:
    """Yield a line for each mistake."""
    for view in config.text.views:
        if view in RESERVED:
            yield f"text.views.{view}: this name is reserved"

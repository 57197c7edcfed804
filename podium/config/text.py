"""The config's text views."""

from typing import Literal

from pydantic import Field

from podium.config.base import Block, Name

Step = Literal["nfkc", "whitespace", "emoji", "urls", "mentions", "hashtags", "lowercase", "lemmas"]


class Text(Block):
    """Text views: named lists of normalisation steps; `raw` is the text as it came."""

    views: dict[Name, list[Step]] = Field(
        {"raw": []}, description="View name: steps, applied in the order given."
    )

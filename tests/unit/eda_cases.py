"""Texts, synonyms and settings that the tests of EDA share."""

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from podium.augment import Resources
from podium.augment.words import Token, tokens_of

KNOWN = {"movie": ["film", "picture"], "story": ["tale"], "big": ["large"], "bad": ["awful"]}
WORDS = st.lists(
    st.sampled_from([*KNOWN, "the", "not", "isn't", "Movie", "story.", "(big)", "...", "👍", "x1"])
)
ALPHA = st.floats(0.01, 1.0)
SETTINGS: dict[str, Any] = {
    "copies": 4,
    "draws": 1,
    "segments": "either",
    "variant": "careful",
    "synonyms": "wordnet",
    "alpha_sr": 0.1,
    "alpha_ri": 0.1,
    "alpha_rs": 0.1,
    "alpha_rd": 0.1,
    "seed": 7,
    "method": "eda",
}
FILTER: dict[str, Any] = {
    "negation": True,
    "length_ratio": None,
    "similarity": None,
    "encoder": None,
    "max_length": 64,
}
TEXTS = [
    "the movie is not a bad story .",
    "A big story, isn't it?",
    "movie",
    "not",
    "",
    "... 👍",
    "big big big",
]


def known(word: str) -> list[str]:
    return KNOWN.get(word, [])


def english(text: str) -> list[Token]:
    return tokens_of(text, known, "en")


def cores(text: str) -> list[str]:
    return [token.core for token in english(text) if token.core]


def resources(wordnet: Path | None, language: str = "en") -> Resources:
    return Resources(language=language, wordnet=wordnet, device="cpu", cache=Path("none"))


def text_of(tokens: list[Any]) -> str:
    return " ".join(token.text for token in tokens)

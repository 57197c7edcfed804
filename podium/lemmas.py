"""Base forms of words without a tagger: the most frequent WordNet lemma, simplemma for the rest.

Each word is looked up once, by its spelling alone. Over all parts of speech the lemma with the highest sense
count in WordNet wins; what WordNet does not know, or never saw used, goes to simplemma. On the English Web
Treebank this beats WordNet with a tagger's part of speech, and a dictionary over unique words makes it some
twenty times faster than one lookup a token.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import simplemma
from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES

from podium.errors import UserError, hint
from podium.wordnet import WordNet, load_wordnet

#: Languages written without spaces between words: their texts are left as they are.
UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my"})

#: Languages whose texts ``lemmatise`` takes.
LANGUAGES = frozenset(SUPPORTED_LANGUAGES) | UNSPACED

#: A longer "word" is no word; simplemma's search for affixes is slow on it.
_LONGEST_WORD = 40
#: Memory must not grow with the rows: some 50 MB of words, which most data sets do not fill.
_MOST_REMEMBERED = 200_000
_CHUNK = re.compile(r"\S+")
# Letters of some scripts carry marks that \w leaves out (Hebrew, Arabic, Devanagari, Malayalam), or a joiner.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u097f\u0d00-\u0d7f\u200c"
_WORD = re.compile(rf"\w[\w{_MARKS}]*(?:['’][\w{_MARKS}]+)*")
_NO_WORD = re.compile(r"[\d_]")
_INTACT = re.compile(r"://|[@#]|www\.", re.IGNORECASE)


class Lemmatiser:
    """Give the base form of a word: ``Lemmatiser(language="en", wordnet=None)("mice") == "mouse"``.

    ``language`` is a code that simplemma knows (ISO 639). ``wordnet`` is used for English only. Raises
    ``UserError`` for a language that is not supported.
    """

    def __init__(self, *, language: str, wordnet: WordNet | None) -> None:
        if language not in SUPPORTED_LANGUAGES:
            raise UserError(
                f"text: no lemmas for language '{language}' ({hint(language, LANGUAGES)}); "
                "take the step 'lemmas' out or name another language"
            )
        self.language = language
        self.wordnet = wordnet if language == "en" else None

    def __call__(self, word: str) -> str:
        """Return the base form in the word's own case.

        Left as they are: words with a digit or ``_``, with a capital after the first letter (acronyms),
        of one letter, longer than 40 letters, and contractions of "not" (so that no negation is lost).
        """
        if not 1 < len(word) <= _LONGEST_WORD or _NO_WORD.search(word) or word[1:] != word[1:].lower():
            return word
        stem, apostrophe, ending = _split_apostrophe(word)
        if len(stem) == 1 or (apostrophe and ending == "t"):
            return word
        lemma = self._base_form(stem)
        lemma = lemma[:1].upper() + lemma[1:] if stem[0].isupper() else lemma.lower()
        return lemma + apostrophe + ending

    def _base_form(self, word: str) -> str:
        best = self.wordnet.best_lemma(word.lower()) if self.wordnet else None
        if best and (best[1] > 0 or not simplemma.is_known(word, lang=self.language)):
            return best[0]
        return simplemma.lemmatize(word, lang=self.language)


def _split_apostrophe(word: str) -> tuple[str, str, str]:
    """Split at the last apostrophe: ``director's`` is ``director``, ``'``, ``s``."""
    place = max(word.rfind("'"), word.rfind("’"))
    return (word, "", "") if place < 0 else (word[:place], word[place], word[place + 1 :])


class _Memo(dict[str, str]):
    """A dictionary that fills itself: one call of ``make`` for each key; it begins anew when it is full."""

    def __init__(self, make: Callable[[str], str]) -> None:
        self.make = make

    def __missing__(self, key: str) -> str:
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
        self[key] = value = self.make(key)
        return value


def lemmatise(texts: Sequence[str], *, language: str, wordnet: Path | None) -> list[str]:
    """Replace the words of each text by their base forms; spaces and punctuation stay.

    Parts between spaces that hold a URL, a mention, a hashtag or an e-mail address stay whole. Texts of a
    language without spaces (``zh`` and others in ``UNSPACED``) are returned as they are. ``wordnet`` is the
    folder that ``podium.wordnet.build_wordnet`` made, or None for simplemma alone.
    """
    replace = lemmatiser(language=language, wordnet=wordnet)
    return [replace(text) for text in texts]


def lemmatiser(*, language: str, wordnet: Path | None) -> Callable[[str], str]:
    """Return what ``lemmatise`` does to one text; it remembers the words that it met, up to a bound."""
    if language in UNSPACED:
        return lambda text: text
    lemma = Lemmatiser(language=language, wordnet=None)
    if wordnet is not None and language == "en":
        lemma = Lemmatiser(language=language, wordnet=load_wordnet(wordnet))
    words = _Memo(lemma)
    chunks = _Memo(lambda chunk: chunk if _INTACT.search(chunk) else _WORD.sub(lambda m: words[m[0]], chunk))
    return lambda text: _CHUNK.sub(lambda m: chunks[m[0]], text)

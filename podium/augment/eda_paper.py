"""EDA as published: Wei and Zou 2019, arXiv 1901.11196, section 2, with the cleaning of their released code.

Four operations on the l words of a cleaned text, each giving new texts of its own: synonym replacement, random
insertion and random swap of n = max(1, int(alpha * l)) words, random deletion of each word with probability p. Of each
operation ``copies // 4 + 1`` texts are made, all are shuffled, and the first ``copies`` are taken.

Where the paper is silent the code is followed: English is cleaned to lower-case letters and single spaces (apostrophes
vanish, hyphens are spaces), a replaced word is replaced wherever it stands, a deletion that leaves nothing leaves one
word, and the stop words are NLTK's list of that time. Where the two differ the paper is followed: an inserted synonym
is a random one of a random word that is no stop word (the code takes stop words too, and the first of an unordered
set), and may stand at the end. With an operation left out (alpha 0) the others make as many more, so that ``copies``
are still there to take. In other languages all letters count.
"""

import re
from collections.abc import Callable
from random import Random

import numpy as np

from podium.augment.synonyms import STOP_WORDS as CHINESE_AND_OTHER
from podium.augment.synonyms import Lookup
from podium.augment.words import is_of_letters, join, words_of

_NLTK = """
i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it its
itself they them their theirs themselves what which who whom this that these those am is are was were be been being
have has had having do does did doing a an the and but if or because as until while of at by for with about against
between into through during before after above below to from up down in out on off over under again further then once
here there when where why how all any both each few more most other some such no nor not only own same so than too very
s t can will just don should now
"""
STOP_WORDS = frozenset(_NLTK.split())
_TRIES = 10  # random words that an insertion looks at for synonyms, as in the code


def stop_words(language: str) -> frozenset[str]:
    """Words that are neither replaced nor the source of an insertion."""
    return STOP_WORDS if language == "en" else CHINESE_AND_OTHER


def clean(text: str, language: str) -> list[str]:
    """The words of a text: English as the paper's code cleans it, else all parts of letters, in lower case."""
    if language == "en":
        return re.sub("[^a-z ]", " ", re.sub("['’]", "", text).lower()).split()
    return [word for word in words_of(text, language) if is_of_letters(word)]


def replace(words: list[str], n: int, random: Random, synonyms: Lookup, stop: frozenset[str]) -> list[str]:
    """Put a random synonym for each of n distinct words that have any, wherever they stand."""
    candidates = [word for word in dict.fromkeys(words) if word not in stop]
    random.shuffle(candidates)
    chosen = [word for word in candidates if synonyms(word)][:n]
    instead = {word: random.choice(synonyms(word)) for word in chosen}
    return [instead.get(word, word) for word in words]


def insert(words: list[str], n: int, random: Random, synonyms: Lookup, stop: frozenset[str]) -> list[str]:
    """Put n times a random synonym of a random word at a random place."""
    made = list(words)
    # Their places: a long text is not read anew n times
    sources = np.flatnonzero([word not in stop for word in made])
    for _ in range(n):
        for _ in range(_TRIES if len(sources) else 0):
            found = synonyms(made[sources[random.randrange(len(sources))]])
            if found:
                place = random.randint(0, len(made))
                made.insert(place, random.choice(found))
                first = np.searchsorted(sources, place)
                sources[first:] += 1
                if made[place] not in stop:
                    sources = np.insert(sources, first, place)
                break
    return made


def swap(words: list[str], n: int, random: Random, synonyms: Lookup, stop: frozenset[str]) -> list[str]:
    """Let two random words change places, n times."""
    made = list(words)
    for _ in range(n if len(words) > 1 else 0):
        i, j = random.sample(range(len(made)), 2)
        made[i], made[j] = made[j], made[i]
    return made


def delete(words: list[str], p: float, random: Random) -> list[str]:
    """Drop each word with probability p, but never the only one; one random word is left where all would go."""
    if len(words) == 1:
        return list(words)
    return [word for word in words if random.random() >= p] or [random.choice(words)]


Changing = Callable[[list[str], int, Random, Lookup, frozenset[str]], list[str]]
_CHANGING: dict[str, Changing] = {"sr": replace, "ri": insert, "rs": swap}


def texts_of(
    text: str, *, copies: int, alphas: dict[str, float], random: Random, synonyms: Lookup, language: str
) -> list[str]:
    """Make ``copies`` new texts of one, in the paper's way; none of a text without words.

    ``alphas`` has the strengths of ``sr``, ``ri``, ``rs`` and ``rd``; 0 leaves an operation out. A new text may equal
    the old one or another.
    """
    words, stop = clean(text, language), stop_words(language)
    used = [name for name, alpha in alphas.items() if alpha > 0]
    if not words or not used:
        return []
    made = []
    for name in used:
        for _ in range(copies // len(used) + 1):
            if name == "rd":
                made.append(delete(words, alphas[name], random))
            else:
                n = max(1, int(alphas[name] * len(words)))
                made.append(_CHANGING[name](words, n, random, synonyms, stop))
    random.shuffle(made)
    return [join(one, language) for one in made[:copies]]

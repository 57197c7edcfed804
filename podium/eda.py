"""Easy data augmentation (EDA): Wei and Zou 2019, arXiv 1901.11196, section 2.

Four operations on the words of an English text: synonym replacement, random insertion, random swap, random
deletion. With l words, the first three change n = max(1, int(alpha * l)) words; deletion drops each word with
probability alpha. Each new text comes from one operation.

What differs from the paper, and why:

- Words keep their case and punctuation (the paper's code lowers the case and deletes everything but letters).
- Synonyms come only from senses in real use (see ``Synonyms``): the rare ones turn "congress" into "coition".
- Words of negation are never replaced, moved or deleted, because that turns the label round.
- A deletion that by chance drops nothing drops one word, since an unchanged text is worth nothing.
- The copies of a text go through the four operations in turn, in an order drawn for that text (the paper's
  code makes as many of each and shuffles). A copy equal to its source or to an earlier copy is tried again
  with the next operation, and left out after a dozen tries.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from podium.lemmas import Lemmatiser
from podium.seeds import derive
from podium.wordnet import Sense, WordNet

_NEGATIONS = """
no not nor never none nobody nothing nowhere neither without cannot hardly scarcely barely rarely seldom n't nt
dont doesnt didnt isnt arent wasnt werent wont wouldnt cant couldnt shouldnt hasnt havent hadnt aint
lack lacks lacked lacking
"""
_FUNCTION_WORDS = """
a an the this that these those some any each every either all both few many much more most other another such own
same several i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she
her hers herself it its itself they them their theirs themselves who whom whose which what one ones someone
somebody something anyone anybody anything everyone everybody everything
am is are was were be been being have has had having do does did doing done can could will would shall should may
might must ought let lets get gets got
of at by for with about against between among into onto through during before after above below to from up down in
out on off over under upon within along across behind beyond since until till toward towards per via like than as
and but or if because while though although whether unless except so yet
here there where when why how again further then once now just only too very also even still ever quite rather
almost already perhaps maybe however else away back well
"""
NEGATIONS = frozenset(_NEGATIONS.split())
#: Words without synonyms worth the name: determiners, pronouns, auxiliaries, prepositions, conjunctions, and
#: adverbs of place, time and degree.
STOP_WORDS = frozenset(_FUNCTION_WORDS.split())
_CONTRACTED_NOT = re.compile(r"n['’]t$", re.IGNORECASE)

#: A sense must have this share of all uses of either word, so that "buy" is never "bribe".
_LEAST_SHARE = 0.2
#: ... and so many uses in WordNet's tagged texts.
_LEAST_USES = 2
_LEAST_LETTERS = 3
_TRIES = 12
_CORE = re.compile(r"[^\W_](?:.*[^\W_])?", re.DOTALL)
#: After these a plain "s" makes no plural.
_NO_PLAIN_S = ("s", "x", "z", "h", "y", "o")


@dataclass(frozen=True)
class Alphas:
    """Strength of the operations, each in [0, 1]; 0 leaves the operation out."""

    sr: float
    ri: float
    rs: float
    rd: float


class Synonyms:
    """Single-word synonyms of a word in its frequent senses: ``synonyms("story") == ["narrative", "tale"]``.

    A sense counts if WordNet's tagged texts hold it at least twice and it has a fifth of the word's uses; a
    synonym counts if the same is true of it. Names (also words that can be one, such as "john"), phrases,
    abbreviations and words of one or two letters are left out. The word must be its own base form, or that
    with a plain ``s``, which the synonyms then get too.
    """

    def __init__(self, wordnet: WordNet) -> None:
        self.wordnet = wordnet
        self.base_form = Lemmatiser(language="en", wordnet=wordnet)
        self.known: dict[str, list[str]] = {}
        self.no_plain_s = {
            lemma
            for pos in ("n", "v")
            for form, lemmas in wordnet.exceptions[pos].items()
            for lemma in lemmas
            if pos == "n" or form.endswith("s")
        }

    def __call__(self, word: str) -> list[str]:
        """Return the synonyms of a lower-case word, sorted; none for stop words and negations."""
        if word not in self.known:
            self.known[word] = self._find(word)
        return self.known[word]

    def _find(self, word: str) -> list[str]:
        if not _replaceable(word):
            return []
        base = self.base_form(word)
        if word not in (base, base + "s") or self._may_be_name(base):
            return []
        found = {
            synonym
            for sense in self._frequent(base)
            for synonym in self.wordnet.words(sense)
            if synonym.islower() and _replaceable(synonym) and not base.startswith(synonym)
            if self._shared(synonym, sense)
        }
        if word != base:
            plain = (word for word in found if word not in self.no_plain_s and not word.endswith(_NO_PLAIN_S))
            return sorted(word + "s" for word in plain)
        return sorted(found)

    def _may_be_name(self, word: str) -> bool:
        senses = self.wordnet.senses.get(word, [])
        return any(other.lower() == word != other for sense in senses for other in self.wordnet.words(sense))

    def _frequent(self, word: str) -> list[Sense]:
        """Return the senses that are frequent enough."""
        senses = self.wordnet.senses.get(word, [])
        least = max(_LEAST_USES, _LEAST_SHARE * sum(sense.uses for sense in senses))
        return [sense for sense in senses if sense.uses >= least]

    def _shared(self, word: str, sense: Sense) -> bool:
        """Tell whether the sense, given as another word's, is a frequent one of ``word`` too."""
        return any((own.pos, own.offset) == (sense.pos, sense.offset) for own in self._frequent(word))


def _replaceable(word: str) -> bool:
    long_enough = word.isalpha() and len(word) >= _LEAST_LETTERS
    return long_enough and word not in STOP_WORDS and not is_negation(word)


def is_negation(word: str) -> bool:
    """Tell whether a word (any case) negates: ``not``, ``isn't``, ``without``, ..."""
    return word.lower() in NEGATIONS or _CONTRACTED_NOT.search(word) is not None


@dataclass(frozen=True)
class Token:
    """A part of a text between spaces: a core from its first to its last letter or digit, and what is around.

    ``synonyms`` are those of the core, in its case.
    """

    before: str
    core: str
    after: str
    synonyms: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The token as it stands in the text."""
        return self.before + self.core + self.after

    @property
    def movable(self) -> bool:
        """Whether it is a word, and not one of negation."""
        return self.core != "" and not is_negation(self.core)

    def with_core(self, core: str) -> "Token":
        """Return the token with another word in it."""
        return Token(self.before, core, self.after)


def tokens_of(text: str, synonyms: Callable[[str], list[str]]) -> list[Token]:
    """Split a text at its spaces and look up each word's synonyms.

    A capital stands for a name or an acronym, which has none, but at the start of the text it is no sign.
    """
    tokens = []
    for place, part in enumerate(text.split()):
        match = _CORE.search(part)
        if match is None:
            tokens.append(Token(part, "", ""))
            continue
        core = match[0]
        first = place == 0 and core[0].isupper() and core[1:].islower()
        found = synonyms(core.lower()) if first or core.islower() else []
        shown = tuple(word.capitalize() for word in found) if first else tuple(found)
        tokens.append(Token(part[: match.start()], core, part[match.end() :], shown))
    return tokens


Operation = Callable[[list[Token], float, Random], list[Token]]


def _how_many(tokens: list[Token], alpha: float) -> int:
    return max(1, int(alpha * sum(token.core != "" for token in tokens)))


def replace(tokens: list[Token], alpha: float, random: Random) -> list[Token]:
    """Put synonyms for n words drawn among those that have any."""
    places = [k for k, token in enumerate(tokens) if token.synonyms]
    changed = list(tokens)
    for k in random.sample(places, min(_how_many(tokens, alpha), len(places))):
        changed[k] = tokens[k].with_core(random.choice(tokens[k].synonyms))
    return changed


def insert(tokens: list[Token], alpha: float, random: Random) -> list[Token]:
    """Put n times a synonym of a random word at a random place."""
    sources = [token for token in tokens if token.synonyms]
    if not sources:
        return tokens
    added: dict[int, list[Token]] = {}
    for _ in range(_how_many(tokens, alpha)):
        word = random.choice(random.choice(sources).synonyms).lower()
        added.setdefault(random.randint(0, len(tokens)), []).append(Token("", word, ""))
    return [token for k in range(len(tokens) + 1) for token in [*added.get(k, []), *tokens[k : k + 1]]]


def swap(tokens: list[Token], alpha: float, random: Random) -> list[Token]:
    """Let two random words change places, n times; the punctuation stays where it is."""
    places = [k for k, token in enumerate(tokens) if token.movable]
    if len(places) < 2:
        return tokens
    changed = list(tokens)
    for _ in range(_how_many(tokens, alpha)):
        i, j = random.sample(places, 2)
        changed[i], changed[j] = changed[i].with_core(changed[j].core), changed[j].with_core(changed[i].core)
    return changed


def delete(tokens: list[Token], alpha: float, random: Random) -> list[Token]:
    """Drop each word with probability alpha, but at least one word, and never the last one left."""
    places = [k for k, token in enumerate(tokens) if token.movable]
    words = sum(token.core != "" for token in tokens)
    if words < 2 or not places:
        return tokens
    dropped = {k for k in places if random.random() < alpha} or {random.choice(places)}
    if len(dropped) == words:
        dropped.remove(random.choice(sorted(dropped)))
    return [token for k, token in enumerate(tokens) if k not in dropped]


OPERATIONS: dict[str, Operation] = {"sr": replace, "ri": insert, "rs": swap, "rd": delete}


def copies_of(
    texts: tuple[str, ...], *, copies: int, alphas: Alphas, seed: int, synonyms: Callable[[str], list[str]]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield (copy number, texts) for the copies 1 to ``copies`` of one row that could be made.

    ``texts`` holds the row's one segment or its two; a copy changes one of them, drawn anew each time, so
    that the other still says what it said. What is drawn depends on the texts, the seed and the copy number
    alone: neither the order of rows nor the number of copies matters.
    """
    segments = [tokens_of(text, synonyms) for text in texts]
    seen = {tuple(" ".join(text.split()) for text in texts)}
    used = [name for name in OPERATIONS if getattr(alphas, name) > 0]
    order = Random(derive(seed, 0, *texts)).sample(used, len(used))
    for copy in range(1, copies + 1):
        random = Random(derive(seed, copy, *texts))
        for tried in range(_TRIES):
            name = order[(copy - 1 + tried) % len(order)]
            changed = list(segments)
            k = random.randrange(len(segments))
            changed[k] = OPERATIONS[name](segments[k], getattr(alphas, name), random)
            made = tuple(" ".join(token.text for token in tokens) for tokens in changed)
            if made not in seen:
                seen.add(made)
                yield copy, made
                break

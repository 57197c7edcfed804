"""Where synonyms come from: WordNet's frequent senses, all of WordNet, or a dictionary file."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from podium.augment.negation import NEGATIONS, is_negation
from podium.errors import UserError
from podium.lemmas import Lemmatiser
from podium.wordnet import Sense, WordNet, load_wordnet

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
_CHINESE_WORDS = """
的 地 得 了 着 过 吗 呢 吧 啊 呀 嘛 哦 么 们 是 在 有 和 与 跟 及 或 或者 而 而且 并 并且 但 但是 可是
不过 因为 所以 如果 就 都 也 还 又 再 才 只 很 太 更 最 把 被 给 对 对于 向 从 到 由 于 以 为 为了 用 让
使 将 会 能 可以 可 要 应该 我 你 您 他 她 它 我们 你们 他们 她们 它们 自己 这 那 这个 那个 这些 那些
这里 那里 这样 那样 什么 怎么 怎样 谁 哪 哪里 哪个 为什么 多少 几 一 一个 一些 个 些 上 下 里 中 内 外
前 后 之 其 此 该 等 虽然 然后 已经 已 正在 曾
"""
#: Words without synonyms worth the name: determiners, pronouns, auxiliaries, prepositions, conjunctions, particles,
#: and adverbs of place, time and degree.
STOP_WORDS = frozenset(_FUNCTION_WORDS.split()) | frozenset(_CHINESE_WORDS.split())

#: A sense must have this share of all uses of either word, so that "buy" is never "bribe".
_LEAST_SHARE = 0.2
#: ... and so many uses in WordNet's tagged texts.
_LEAST_USES = 2
_LEAST_LETTERS = 3
#: After these a plain "s" makes no plural.
_NO_PLAIN_S = ("s", "x", "z", "h", "y", "o")

#: A line of Cilin's form: a code, ``=`` for synonyms (``#`` is related words, ``@`` a word alone), and the words.
_GROUP = re.compile(r"^[A-Z][a-z]\d\d[A-Z]\d\d([=#@])(?:\s|$)")

_LARGEST_GROUP = 1000  # each of its words has all others as synonyms

Lookup = Callable[[str], list[str]]


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


class AllSynonyms:
    """Every word of every sense that WordNet has of a word, as the code of the EDA paper takes them.

    Phrases are words with spaces between; all is lower case, with nothing but letters and spaces.
    """

    def __init__(self, wordnet: WordNet) -> None:
        self.wordnet = wordnet
        self.known: dict[str, list[str]] = {}

    def __call__(self, word: str) -> list[str]:
        """Return the synonyms of a lower-case word, sorted, without the word itself."""
        if word not in self.known:
            lemmas = {(lemma, pos) for pos in "nvar" for lemma in self.wordnet.morphy(word, pos)}
            senses = {
                sense
                for lemma, pos in lemmas
                for sense in self.wordnet.senses.get(lemma, [])
                if sense.pos == pos
            }
            names = {name.lower() for sense in senses for name in self.wordnet.words(sense)}
            plain = {re.sub("[^a-z ]", "", re.sub("[_-]", " ", name)) for name in names}
            self.known[word] = sorted(plain - {word, ""})
        return self.known[word]


class Dictionary:
    """Synonyms from a file: lines ``word<TAB>synonym,synonym``, or groups in Cilin's form (``Aa01A01= word word``).

    Either form, UTF-8; empty lines and lines that begin with ``#`` are skipped; signs of Chinese texts, semicolons and
    tabs may stand in place of commas. In a group each word has the others
    as its synonyms; only groups marked ``=`` count. ``keep`` tells which words have none, and are no synonym either.

    Raises ``UserError`` for a file that cannot be read, with the line where it does not have this form.
    """

    def __init__(self, path: Path, *, keep: Callable[[str], bool]) -> None:
        self.known: dict[str, list[str]] = {}
        found: dict[str, set[str]] = {}
        for word, others in _entries(path):
            if not keep(word):
                found.setdefault(word, set()).update(other for other in others if not keep(other))
        for word, synonyms in found.items():
            if synonyms - {word}:
                self.known[word] = sorted(synonyms - {word})
        if not self.known:
            raise UserError(
                f"{path}: this dictionary has no synonyms; its lines are: word<TAB>synonym,synonym"
            )

    def __call__(self, word: str) -> list[str]:
        """Return the synonyms of a word, sorted."""
        return self.known.get(word, [])


def _entries(path: Path) -> Iterator[tuple[str, list[str]]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(f"{path}: the synonym dictionary cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: the synonym dictionary is not UTF-8 (byte {error.start}); save it so"
        ) from error
    for number, line in enumerate(lines, start=1):
        group = _GROUP.match(line)
        if not line.strip() or (line.startswith("#") and "\t" not in line):
            continue
        if group:
            words = line[group.end() :].split() if group[1] == "=" else []
            if len(words) > _LARGEST_GROUP:
                raise UserError(
                    f"{path}, line {number}: {len(words)} words are in one group; at most {_LARGEST_GROUP} can be"
                )
            yield from ((word.lower(), [other for other in words if other != word]) for word in words)
            continue
        word, tab, rest = line.partition("\t")
        if not (tab and word.strip() and _plain(line)):
            raise UserError(f"{path}, line {number}: expected word<TAB>synonym,synonym or Aa01A01= word word")
        yield (
            word.strip().lower(),
            [other.strip() for other in re.split("[,，、;；\t]", rest) if other.strip()],
        )


def _plain(line: str) -> bool:
    """Whether all signs of a line but tabs can be printed."""
    return line.replace("\t", "").isprintable()


def lookup(source: str, *, variant: str, wordnet: Path | None) -> Lookup:
    """The synonyms of an EDA variant: from WordNet's folder where ``source`` is "wordnet", else from a file.

    Negations and stop words have none, but that the paper's own way knows no negations.
    """
    if source != "wordnet":
        careful = variant == "careful"
        return Dictionary(Path(source).expanduser(), keep=_kept_carefully if careful else _kept_by_paper)
    if wordnet is None:
        raise ValueError("WordNet's folder is needed")
    data = load_wordnet(wordnet)
    return Synonyms(data) if variant == "careful" else AllSynonyms(data)


def _kept_carefully(word: str) -> bool:
    return word in STOP_WORDS or word in NEGATIONS or is_negation(word, "zh")


def _kept_by_paper(word: str) -> bool:
    return word in STOP_WORDS

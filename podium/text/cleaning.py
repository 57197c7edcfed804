"""Steps that mend characters: compatibility forms, widths, punctuation, HTML, white space, repeats."""

import html as entities_of
import re
import unicodedata
from collections.abc import Iterable, Iterator

#: Controls, zero-width and direction marks. Joiners are not here: Persian and emoji are spelled with them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
_JOINED = "\u0600-\u1fff\u2100-\U0010ffff"
_STRAY_JOINER = re.compile(f"(?<![{_JOINED}])[\u200c\u200d]|[\u200c\u200d](?![{_JOINED}])")

#: Unicode's Stream-Safe Text Format (UAX 15, section 13) allows 30 combining marks in a row; NFKC sorts a
#: run of marks in quadratic time.
_MOST_MARKS = 30
_LONG = 1000
#: Not marks themselves, but marks after NFKC.
_HALFWIDTH_MARKS = frozenset("\u0f73\u0f75\u0f81\uff9e\uff9f")

#: What Unicode's table of compatibility forms calls <wide>.
_WIDE = {0xFF01 + k: 0x21 + k for k in range(94)} | {
    0x3000: 0x20,
    **dict(zip(range(0xFF5F, 0xFF61), (0x2985, 0x2986), strict=True)),
    **dict(zip(range(0xFFE0, 0xFFE7), (0xA2, 0xA3, 0xAC, 0xAF, 0xA6, 0xA5, 0x20A9), strict=True)),
}
#: Titles get quote marks, not ``<>``, which a later step could take for tags.
_PUNCTUATION = str.maketrans(
    {chr(wide): chr(plain) for wide, plain in _WIDE.items() if plain < 0x7F and not chr(plain).isalnum()}
    | dict(zip("。｡、､【】〔〕〖〗–—―〜·", "..,,[][][]---~.", strict=True))
    | dict.fromkeys("〈〉《》「」『』｢｣“”„‟〝〞", '"')
    | dict.fromkeys("‘’‚‛", "'")
    | {"…": "..."}
)

_MOST_OF_AN_ENTITY = 40
_ENTITY = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)")
_BRACKET = re.compile("([<>])")
_TAG = re.compile(r"<(?:/?[A-Za-z]|!)[^<>]*+>")


def nfkc(text: str) -> str:
    """Return the compatibility composition: full-width letters to ASCII, ligatures apart, one form of accents.

    Of more than 30 combining marks in a row the rest is dropped.
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", text if len(text) <= _LONG else _limit_marks(text))


def _limit_marks(text: str) -> str:
    kept = []
    run = 0
    for character in text:
        marks = unicodedata.combining(character) or character in _HALFWIDTH_MARKS
        run = run + 1 if marks else 0
        if run <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def width(text: str) -> str:
    """Put the usual form for each full-width letter, digit, sign and space; other compatibility forms stay."""
    return text if text.isascii() else text.translate(_WIDE)


def punctuation(text: str) -> str:
    """Put ASCII for Chinese and typographic punctuation, and for full-width punctuation and spaces."""
    return text if text.isascii() else text.translate(_PUNCTUATION)


def whitespace(text: str) -> str:
    """Put one space for every run of white space, none at the ends; delete NUL, controls and zero-width."""
    text = _INVISIBLE.sub("", text)
    if not text.isascii():
        text = _STRAY_JOINER.sub("", text)
    return " ".join(text.split())


def cut_repeats(most: int) -> re.Pattern[str]:
    """Return what ``repeats`` looks for: runs longer than ``most`` of a character that is no digit."""
    return re.compile(rf"(\D)\1{{{most},}}", re.DOTALL)


def repeats(text: str, runs: re.Pattern[str], most: int) -> str:
    """Cut the runs that ``cut_repeats(most)`` finds to ``most`` characters."""
    return runs.sub(lambda m: m[1] * most, text)


def html(text: str, *, entities: bool, tags: bool) -> str:
    """Decode HTML's entities, also where they were encoded several times, then put a space for each tag."""
    if entities and "&" in text:
        text = _unescape(text)
    if tags and "<" in text:
        text = _TAG.sub(" ", text)
        if _TAG.search(text):
            text = _strip_nested(text)
    return text


def _strip_nested(text: str) -> str:
    """Put a space for each tag, inner ones first, until there is none, in linear time."""
    done: list[str] = []
    opened: list[list[str]] = []  # what stands behind each "<" that may still begin a tag
    for piece in _BRACKET.split(text):
        if piece == "<":
            opened.append([])
        elif piece == ">" and opened and _TAG.match(f"<{opened[-1][0][:2]}>"):
            opened.pop()
            (opened[-1] if opened else done).append(" ")
        elif piece == ">":  # no tag, and no tag can be around it
            done += [*_closed(opened), ">"]
            opened = []
        else:
            (opened[-1] if opened else done).append(piece)
    return "".join([*done, *_closed(opened)])


def _closed(opened: Iterable[list[str]]) -> Iterator[str]:
    for pieces in opened:
        yield from ("<", *pieces)


def _unescape(text: str) -> str:
    """Do what ``html.unescape``, repeated until nothing changes, does, in linear time.

    From the right: what stands behind an ampersand is final when its turn comes, so one look decides, and again
    where an ampersand came out. An entity of more than 40 characters, zeros say, stays.
    """
    final = _Final()
    end = len(text)
    while (place := text.rfind("&", 0, end)) >= 0:
        final.put(text[place + 1 : end])
        end = place
        while (decoded := _decode(final)) is not None and decoded.startswith("&"):
            final.put(decoded[1:])
        final.put("&" if decoded is None else decoded)
    final.put(text[:end])
    return final.text()


def _decode(final: "_Final") -> str | None:
    """Take off the entity that an ampersand before ``final`` makes, and return what it means; None without one."""
    match = _ENTITY.match("&" + final.head())
    if match is None or len(match[0]) > _MOST_OF_AN_ENTITY:
        return None
    decoded = entities_of.unescape(match[0])
    if decoded == match[0]:
        return None
    final.drop(len(match[0]) - 1)
    return decoded


class _Final:
    """A text that grows and shrinks at its left end."""

    def __init__(self) -> None:
        self._pieces: list[tuple[str, int]] = []  # the leftmost last, each with where it begins

    def put(self, piece: str) -> None:
        if piece:
            self._pieces.append((piece, 0))

    def head(self) -> str:
        """The first characters, one more than an entity may have."""
        head = ""
        for piece, start in reversed(self._pieces):
            head += piece[start : start + _MOST_OF_AN_ENTITY + 1 - len(head)]
            if len(head) > _MOST_OF_AN_ENTITY:
                break
        return head

    def drop(self, count: int) -> None:
        """Take off the first ``count`` characters."""
        while count:
            piece, start = self._pieces.pop()
            if len(piece) - start > count:
                self._pieces.append((piece, start + count))
            count -= min(count, len(piece) - start)

    def text(self) -> str:
        return "".join(piece[start:] for piece, start in reversed(self._pieces))

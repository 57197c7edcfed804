"""An encoder's special tokens: what its tokenizer puts around one segment and around a pair."""

import dataclasses
from typing import Any, Self

from podium.errors import UserError
from podium.tokens import Tokenizer

FIRST, SECOND = -1, -2  # where the segments stand among the special tokens of a form
_PROBES = ("a", "the", "1", ".", "\u4e00", "\u044f")


@dataclasses.dataclass(frozen=True, slots=True)
class Form:
    """One input: special tokens' ids, ``FIRST`` and ``SECOND`` where the segments stand; the token type of each."""

    ids: tuple[int, ...]
    types: tuple[int, ...]

    @property
    def specials(self) -> int:
        """Number of special tokens."""
        return sum(token_id >= 0 for token_id in self.ids)


@dataclasses.dataclass(frozen=True, slots=True)
class Template:
    """The special tokens around one segment and around a pair, and those for padding and tricks (None: has none).

    ``types`` tells whether the encoder reads token types.
    """

    single: Form
    pair: Form
    types: bool
    pad: int
    mask: int | None
    unk: int | None

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Self:
        """Find the special tokens by looking at what the tokenizer puts around a short text.

        Raises ``UserError`` for a tokenizer that makes nothing of any short text.
        """
        probe = next((text for text in _PROBES if tokenizer.ids([text])[0]), None)
        if probe is None:
            raise UserError(
                "tokens: the tokenizer makes no token of a letter or a digit; is its vocabulary empty?"
            )
        single, pair = _form(tokenizer, probe, None), _form(tokenizer, probe, probe)
        highest = max(single.types + pair.types)
        known = highest + 1 if tokenizer.token_types is None else tokenizer.token_types
        special = tokenizer.special
        return cls(single, pair, 0 < highest < known, special["pad"] or 0, special["mask"], special["unk"])

    @classmethod
    def read(cls, saved: dict[str, Any]) -> Self:
        """Make a template of what ``dataclasses.asdict`` made of one, also after a way through JSON."""
        forms = {
            name: Form(*(tuple(saved[name][key]) for key in ("ids", "types"))) for name in ("single", "pair")
        }
        return cls(**saved | forms)

    def mapped(self, new: dict[int, int]) -> "Template":
        """Return the same template with other ids for its special tokens; a segment's place stays."""
        forms = {
            name: dataclasses.replace(form, ids=tuple(new.get(token_id, token_id) for token_id in form.ids))
            for name, form in (("single", self.single), ("pair", self.pair))
        }
        others = {
            name: None if token_id is None else new[token_id]
            for name, token_id in (("pad", self.pad), ("mask", self.mask), ("unk", self.unk))
        }
        return dataclasses.replace(self, **forms, **others)  # type: ignore[arg-type]

    @property
    def ids(self) -> set[int]:
        """Every special token's id."""
        others = {token_id for token_id in (self.pad, self.mask, self.unk) if token_id is not None}
        return {*others, *self.single.ids, *self.pair.ids} - {FIRST, SECOND}


def _form(tokenizer: Tokenizer, first: str, second: str | None) -> Form:
    """Put one mark for the tokens of each segment in an input of the tokenizer's own."""
    found, length = tokenizer.joined(first, second), len(tokenizer.ids([first])[0])
    ids: list[int] = []
    types: list[int] = []
    seen = 0
    for token_id, kind, special in zip(found.ids, found.types, found.special, strict=True):
        if special or seen % length == 0:
            ids.append(token_id if special else FIRST - seen // length)
            types.append(kind)
        seen += not special
    if seen != length * (1 if second is None else 2):
        raise UserError("tokens: the tokenizer encodes a segment of a pair otherwise than a single text")
    return Form(tuple(ids), tuple(types))

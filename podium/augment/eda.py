"""Easy data augmentation (EDA): Wei and Zou 2019, arXiv 1901.11196, section 2.

Four operations on the words of a text: synonym replacement, random insertion, random swap, random deletion. With l
words, the first three change n = max(1, int(alpha * l)) words; deletion drops each word with probability alpha. Each
new text comes from one operation. The variant ``paper`` does this as published (``podium.augment.eda_paper``). What the
variant ``careful`` does otherwise, and why:

- Words keep their case and punctuation (the paper's code lowers the case and deletes everything but letters).
- Synonyms come only from senses in real use (see ``Synonyms``): the rare ones turn "congress" into "coition".
- Words of negation are never replaced, moved or deleted, because that turns the label round.
- A deletion that by chance drops nothing drops one word, since an unchanged text is worth nothing.
- The copies of a text go through the four operations in turn, in an order drawn for that text (the paper's
  code makes as many of each and shuffles). A copy equal to its source or to an earlier copy is tried again
  with the next operation, and left out after a dozen tries.
"""

from collections.abc import Callable, Iterator
from random import Random

import pandas as pd

from podium.augment import Resources, eda_paper
from podium.augment.frame import Job, Segments, assemble, choose, jobs, rows_of
from podium.augment.synonyms import Lookup, lookup
from podium.augment.words import Token, join, tokens_of
from podium.errors import UserError
from podium.seeds import derive

_TRIES = 12


def run(
    table: pd.DataFrame,
    *,
    method: str,
    seed: int,
    copies: int,
    draws: int,
    segments: Segments,
    resources: Resources,
    variant: str,
    synonyms: str,
    alpha_sr: float,
    alpha_ri: float,
    alpha_rs: float,
    alpha_rd: float,
) -> pd.DataFrame:
    """Make up to ``copies`` new rows of each row for each of ``draws`` draws.

    Parameters
    ----------
    table
        ``id``, ``text_a`` and perhaps ``text_b``.
    copies
        New rows wanted for each row and draw, at least 1. Short texts may give fewer: in the variant ``careful`` a copy
        is never equal to its source or to another copy of the draw, spaces apart.
    segments
        Which text of a pair changes (``podium.augment.frame``).
    variant
        ``careful`` or ``paper``.
    synonyms
        ``wordnet``, or the path of a dictionary (``podium.augment.synonyms.Dictionary``).
    alpha_sr, alpha_ri, alpha_rs, alpha_rd
        Share of words to replace, insert, swap, delete, in [0, 1]; 0 leaves the operation out.

    Returns
    -------
    As ``podium.augment.frame.assemble``; a copy that could not be made is left out, its number too.

    Raises
    ------
    UserError
        When every alpha is 0.
    """
    alphas = {"sr": alpha_sr, "ri": alpha_ri, "rs": alpha_rs, "rd": alpha_rd}
    if not all(0 <= alpha <= 1 for alpha in alphas.values()):
        raise ValueError(f"the alphas must be in [0, 1], not {alphas}")
    if not any(alphas.values()):
        raise UserError(f"augment.{method}: all four alphas are 0, so nothing can be made; set one above 0")
    known = lookup(synonyms, variant=variant, wordnet=resources.wordnet)
    make = _paper if variant == "paper" else _careful
    found = list(make(table, copies, draws, segments, seed, alphas, known, resources.language))
    return assemble(
        table, [job for job, _ in found], [text for _, text in found], method=method, copies=copies
    )


Made = Iterator[tuple[Job, str]]


def _paper(
    table: pd.DataFrame,
    copies: int,
    draws: int,
    segments: Segments,
    seed: int,
    alphas: dict[str, float],
    synonyms: Lookup,
    language: str,
) -> Made:
    """The copies of a text share one shuffle, so all texts of a row, draw and column are made at once."""
    made: dict[tuple[int, int, str], list[str]] = {}
    for job in jobs(table, copies=copies, draws=draws, segments=segments, seed=seed):
        key = job.row, job.draw, job.column
        if key not in made:
            made[key] = eda_paper.texts_of(
                job.text,
                copies=copies,
                alphas=alphas,
                random=Random(derive(job.seed, "paper")),
                synonyms=synonyms,
                language=language,
            )
        if made[key]:
            yield job, made[key][job.copy - 1]


def _careful(
    table: pd.DataFrame,
    copies: int,
    draws: int,
    segments: Segments,
    seed: int,
    alphas: dict[str, float],
    synonyms: Lookup,
    language: str,
) -> Made:
    """What is drawn depends on a row's texts, the seed, the draw and the copy's number alone."""
    for row, texts in rows_of(table):
        split = {column: tokens_of(text, synonyms, language) for column, text in texts.items()}
        for draw in range(draws):
            own = seed if draw == 0 else derive(seed, "draw", draw)
            made = copies_of(
                texts, split, copies=copies, alphas=alphas, segments=segments, seed=own, language=language
            )
            for copy, changed in made:
                for column, text in changed.items():
                    yield Job(row, draw, copy, column, texts[column], own), text


def copies_of(
    texts: dict[str, str],
    split: dict[str, list[Token]],
    *,
    copies: int,
    alphas: dict[str, float],
    segments: Segments,
    seed: int,
    language: str,
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (copy number, changed texts by column) for the copies 1 to ``copies`` of one row that could be made.

    ``split`` holds the tokens of its ``texts``. Neither the order of rows nor the number of copies matters.
    """
    plain = {column: join([token.text for token in tokens], language) for column, tokens in split.items()}
    seen = {tuple(plain.values())}
    used = [name for name, alpha in alphas.items() if alpha > 0]
    order = Random(derive(seed, 0, *texts.values())).sample(used, len(used))
    for copy in range(1, copies + 1):
        random = Random(derive(seed, copy, *texts.values()))
        for tried in range(_TRIES):
            name = order[(copy - 1 + tried) % len(order)]
            changed = {
                column: join(
                    [token.text for token in OPERATIONS[name](split[column], alphas[name], random)], language
                )
                for column in choose(texts, segments, random)
            }
            made = tuple((plain | changed).values())
            if made not in seen:
                seen.add(made)
                yield copy, changed
                break


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

"""Causes in what a member reads: texts that are cut, unknown tokens, labels that clash. N rows."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from podium.diagnose.facts import Facts
from podium.diagnose.finding import Finding, Severity, listed, share
from podium.diagnose.texts import Texts

TOKENS_CUT, MANY_TOKENS_CUT, MOST_TOKENS_CUT = 0.1, 0.5, 0.75
"""Share of all tokens that is lost from which cut texts are a possible cause before a run, and a likely one; from the
second they are named after a run even if no row shows it, from the third severe where nearly all rows are cut."""
LOST = 0.05
"""Share of its tokens that a row must lose to count as a cut one after a run."""
LEAST_ROWS = 30
WORSE, MUCH_WORSE, SURE = 0.02, 0.08, 3.0
"""How much worse cut rows must be, and how many standard errors."""
UNKNOWN, MANY_UNKNOWN, MOSTLY_UNKNOWN = 0.01, 0.05, 0.2
PIECES, MANY_PIECES = 2.5, 4.0
CLASHING, MANY_CLASHING = 0.02, 0.1


def cut_texts(facts: Facts) -> Iterator[Finding]:
    """Texts longer than ``max_length``: how many tokens are lost, and whether the rows that lose them score worse."""
    texts = facts.texts
    if texts is None or not texts.rows_cut:
        return
    severity, scored = _cut_severity(facts, texts)
    if severity is None:
        return
    yield Finding(
        cause="cut_texts",
        severity=severity,
        figure=f"max_length {texts.max_length} cuts {share(texts.rows_cut)} of the rows, {share(texts.tokens_cut)} of "
        f"all tokens are lost{scored}",
        usual="at most 1% of the rows, or what the encoder can read (`max_cut`); of longer texts head and tail "
        "(arXiv 1905.05583, section 5.3.1)",
        advice=_longer(facts, texts),
    )


def _cut_severity(facts: Facts, texts: Texts) -> tuple[Severity | None, str]:
    """How bad it is, and what the held-out predictions say of it."""
    lost, found = texts.tokens_cut, facts.held_out
    if found is None or not found.learned():
        return _by_share(lost), ""
    table = pd.DataFrame({"cut": texts.lost > LOST, "length": texts.lengths}, index=texts.ids)
    table = table.join(pd.Series(found.rights(), index=found.ids, name="right"), how="inner")
    told = f"; {found.measure} by length, shortest quarter first: {_quarters(table)}"
    if min(table["cut"].sum(), (~table["cut"]).sum()) < LEAST_ROWS:  # nearly all rows, or nearly none
        if table["cut"].mean() < 0.5:
            return None, told
        return ("severe" if lost > MOST_TOKENS_CUT else _by_share(lost)), told
    parts = table.groupby("cut")["right"].agg(["mean", "var", "count"])
    error = float(np.sqrt((parts["var"] / parts["count"]).sum()))
    worse = float(parts["mean"][False] - parts["mean"][True])
    told += f"; {parts['mean'][True]:.3f} where it cuts, {parts['mean'][False]:.3f} elsewhere"
    harm = _harm(facts, texts, table, worse)
    if harm > WORSE and worse > SURE * error:
        return ("severe" if harm > MUCH_WORSE and lost > TOKENS_CUT else "likely"), told
    return ("possible" if lost > MANY_TOKENS_CUT else None), told


def _by_share(lost: float) -> Severity | None:
    """How bad it is that this share of all tokens is lost, where no score tells."""
    return "likely" if lost > MANY_TOKENS_CUT else "possible" if lost > TOKENS_CUT else None


def _harm(facts: Facts, texts: Texts, table: pd.DataFrame, worse: float) -> float:
    """How much of ``worse``, the gap between whole and cut rows of ``table``, the cut itself explains.

    Longer texts may be harder: the gap of a member that reads them whole is taken off. And what a member that reads as
    little has lost by it is the most that it can cost.
    """
    harder, most = 0.0, worse
    for other in facts.others:
        if other.held_out is None or not other.held_out.learned():
            continue
        rights = pd.Series(other.held_out.rights(), index=other.held_out.ids)
        means = rights.reindex(table.index).groupby(table["cut"]).mean()
        gap = float(means[False] - means[True])
        if other.texts is None or not other.texts.rows_cut:
            harder = max(harder, gap)
        elif other.texts.max_length <= texts.max_length:
            most = min(most, gap)
    return min(worse - harder, most)


def _quarters(table: pd.DataFrame) -> str:
    right = table.sort_values("length", kind="stable")["right"].to_numpy()
    return ", ".join(f"{part.mean():.3f}" for part in np.array_split(right, 4) if len(part))


def _longer(facts: Facts, texts: Texts) -> str:
    key, kind = facts.member.key, facts.member.kind
    wanted = int(-(-(np.quantile(texts.lengths, 0.99) + 3) // 8) * 8)
    if facts.encoder is not None and facts.encoder.positions is not None:
        wanted = min(wanted, facts.encoder.positions)
    if kind not in ("transformer", "multitask"):
        return f"raise {key('max_length')} to {wanted}"
    return f"set {key('max_length')} to auto, or as near to {wanted} as memory allows; else truncation: head_tail"


def unknown_tokens(facts: Facts) -> Iterator[Finding]:
    """Tokens that the vocabulary does not know."""
    found = facts.tokenizing
    if found is None or found.unknown < UNKNOWN or _case(facts):
        return
    words = f", such as {listed([repr(word) for word in found.unknown_words])}" if found.unknown_words else ""
    yield Finding(
        cause="unknown_tokens",
        severity="severe"
        if found.unknown >= MOSTLY_UNKNOWN
        else "likely"
        if found.unknown >= MANY_UNKNOWN
        else "possible",
        figure=f"{share(found.unknown)} of the tokens are unknown to the tokenizer{words}",
        usual="hardly any (below 0.1%) where tokenizer and texts are of one language (arXiv 2012.15613)",
        advice=f"take an encoder of the texts' language for {facts.member.key('encoder')}, clean the view, or train "
        "one from scratch (docs/pretraining.md)",
    )


def broken_words(facts: Facts) -> Iterator[Finding]:
    """Words that the tokenizer breaks into many pieces, as it was made for other texts."""
    found = facts.tokenizing
    if found is None or found.pieces < PIECES:
        return
    yield Finding(
        cause="broken_words",
        severity="likely" if found.pieces >= MANY_PIECES else "possible",
        figure=f"the tokenizer makes {found.pieces:.1f} tokens of a word",
        usual="1 to 2 in its own language (arXiv 2012.15613)",
        advice=f"take an encoder for such texts for {facts.member.key('encoder')}, or train one from scratch on them "
        "(docs/pretraining.md)",
    )


def tokenizer_case(facts: Facts) -> Iterator[Finding]:
    """A tokenizer that keeps capitals beside weights that know none, or the reverse."""
    case = _case(facts)
    if case is None:
        return
    yield Finding(
        cause="tokenizer_case",
        severity="severe" if facts.tokenizing and facts.tokenizing.unknown >= MOSTLY_UNKNOWN else "likely",
        figure=case,
        usual="both of one model: do_lower_case false for a cased vocabulary, true for an uncased one",
        advice=f"take tokenizer and weights in {facts.member.tokenizer} from one model, all files of one revision "
        f"({facts.member.key('encoder')})",
    )


def _case(facts: Facts) -> str | None:
    """What is wrong with upper and lower case."""
    found = facts.tokenizing
    if found is None:
        return None
    if not found.lowers and found.unknown >= UNKNOWN and found.unknown_lowered < found.unknown / 2:
        return (
            f"the tokenizer keeps capitals, and its vocabulary has few: {share(found.unknown)} of the tokens are "
            f"unknown, {share(found.unknown_lowered)} in lower case"
        )
    if found.lowers and found.capitals > 0.1:
        return f"the tokenizer puts all in lower case, but {share(found.capitals)} of its vocabulary have capitals"
    return None


def clashing_labels(facts: Facts) -> Iterator[Finding]:
    """Equal texts with different labels: nobody can be right on all of them."""
    if facts.profile is None or not facts.profile["rows"]["train"]:
        return
    duplicates, rows = facts.profile["duplicates"], facts.profile["rows"]["train"]
    part = duplicates["rows_of_texts_with_several_labels"] / rows
    if part < CLASHING or facts.member.type == "regression":
        return
    yield Finding(
        cause="clashing_labels",
        severity="likely" if part >= MANY_CLASHING else "possible",
        figure=f"{share(part)} of the rows have a text that stands there with another label, too",
        usual="none; such rows bound every member's score",
        advice=f"look at results/noise/{facts.member.task}/review.csv; set {facts.member.key('noise')} to prune "
        "or weight",
    )

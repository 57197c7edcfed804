"""A row's story as a person reads it."""

from collections.abc import Iterator, Sequence

from podium.explain.story import Made, Neighbour, Said, Story, Training
from podium.explain.words import WIDTH, counted, cut, labelled, padded, table
from podium.readable import clean
from podium.span.answers import decode, texts
from podium.targets import JOINT, split

_TEXT = 400
_NEAR = 5
_CLASSES = 3
_KINDS = {
    "train": "training row",
    "test": "test row",
    "external": "row of the external file",
    "unlabelled": "row of the unlabelled file",
    "made": "row made by",
}


def text(story: Story) -> str:
    """The story in lines of at most 100 columns."""
    return "\n".join(_lines(story)) + "\n"


def label_text(label: str | None, type: str) -> str:
    """A label as a person reads it."""
    if label is None:
        return "none"
    if type == "span":
        try:
            return " / ".join(f'"{answer}"' if answer else "(no answer)" for answer in texts(decode(label)))
        except ValueError:
            return f'"{label}"' if label else "(no answer)"
    return label.replace(JOINT, ", ") or "(no label)"


def _lines(story: Story) -> Iterator[str]:
    what = _KINDS[story.kind]
    named = "" if story.kind in ("train", "test") else f" {story.part}"
    yield f"{story.task}: {what}{named} '{clean(story.id)}'"
    yield ""
    for name, words in story.texts.items():
        yield from labelled("text" if name == "text_a" else "second text", _shortened(words))
    if story.kind == "made":
        yield from labelled("made from", f"'{story.source}' ({label_text(story.label, story.type)})")
    elif story.label is not None:
        yield from labelled("label", label_text(story.label, story.type))
    if story.group is not None:
        yield from labelled("group", cut(story.group, WIDTH - 13))
    for k, view in enumerate(story.views):
        same = f" [same text as '{view.same_as}']" if view.same_as else ""
        yield from labelled("views" if k == 0 else "", f"{view.name} ({_steps(view.steps)}){same}")
        if view.steps != []:
            for words in view.texts.values():
                yield from labelled("", f"  {cut(words, WIDTH - 15)}")
    yield from _place(story)
    yield from _noise(story)
    yield from _made(story)
    yield from _training(story)
    yield from _pseudo(story)
    yield from _predictions(story)
    yield from _decision(story)
    if story.left_out:
        yield ""
        yield from labelled(
            "left out", f"{', '.join(story.left_out)}: in the results, not in the last run's config"
        )


def _shortened(words: str) -> str:
    return words if len(words) <= _TEXT else f"{words[:_TEXT]}… ({len(words):,} characters)"


def _steps(steps: list[str] | None) -> str:
    if steps is None:
        return "steps not known"
    return f"changed by {', '.join(steps)}" if steps else "the text as it came"


def _place(story: Story) -> Iterator[str]:
    if story.kind == "made" and story.fold is not None:
        yield from labelled(
            "fold", f"{story.fold}, its source's: no model scored on that fold may learn from it"
        )
    elif story.fold is not None:
        alone = "no near-duplicates" if not story.neighbours else f"cluster {story.cluster}"
        yield from labelled("fold", f"{story.fold} ({alone})")
        yield from _near("near", story.neighbours, story.type)
    if story.placed:
        twins = list(story.placed.get("twins") or [])
        weight = story.placed.get("weight")
        given = "" if weight is None else f"weight {weight:g}; "
        kept = (
            f"not trained on in fold {', '.join(map(str, twins))}, where a row resembles it" if twins else ""
        )
        yield from labelled("placed", given + (kept or "resembles no training row"))
    elif story.kind in ("external", "unlabelled"):
        yield from labelled("placed", "left out: it resembles a test row, or stands there twice")
    if story.like_test is not None:
        yield from labelled(
            "like test", f"{story.like_test:.2f} (0: like a training row, 1: like a test row)"
        )
    if story.overlaps:
        other = "training" if story.kind == "test" else "test"
        yield from labelled("stands also", f"among the {other} rows:")
        yield from _near("", story.overlaps, story.type)


def _near(label: str, found: Sequence[Neighbour], type: str) -> Iterator[str]:
    rows = [
        (
            f"'{one.id}'",
            cut(label_text(one.label, type), 18) if one.label else "",
            cut(one.text, WIDTH - 40 - len(one.id)),
        )
        for one in found[:_NEAR]
    ]
    for k, line in enumerate(table(rows, before="")):
        yield padded(label if k == 0 else "", 13) + line
    if len(found) > _NEAR:
        yield from labelled("", f"... and {len(found) - _NEAR} more")


def _noise(story: Story) -> Iterator[str]:
    if story.override is not None:
        said = (
            "dropped"
            if story.override["drop"]
            else f"label {label_text(story.override['label'], story.type)}"
        )
        yield from labelled("override", f"{said}, by a person (in every training)")
    told = [
        f"the same text has another label ({story.beside['clash']})" if story.beside.get("clash") else "",
        f"a near-duplicate has another label ({story.beside['near_clash']})"
        if story.beside.get("near_clash")
        else "",
        "unlike all other texts" if story.beside.get("outlying") else "",
    ]
    for word in filter(None, told):
        yield from labelled("beside", word)
    if not story.noise:
        return
    yield ""
    yield "noise: the label as models see it that know neither it nor the fold"
    for one in story.noise:
        done = (
            "pruned" if one.pruned else "relabelled" if one.relabelled else "issue" if one.issue else "fine"
        )
        guess = label_text(one.suggested, story.type)
        yield (
            f"  outside fold {one.fold}: {done:<10}  quality {one.quality:.3f}, "
            f"suggested {cut(guess, 40)} ({one.confidence:.3f})"
        )


def _made(story: Story) -> Iterator[str]:
    if story.kind == "made":
        for line in _verdicts(story.made[0]):
            yield from labelled("verdict", line)
        return
    if story.made:
        yield ""
        yield "made from it"
    for one in story.made:
        yield f"  '{clean(one.id)}': {cut(' | '.join(one.texts.values()), WIDTH - len(one.id) - 6)}"
        yield from (f"    verdict {line}" for line in _verdicts(one))
        yield f"    {_taken(one.taken)}"


def _verdicts(one: Made) -> Iterator[str]:
    """The verdict on its text, and those on its label in each fold."""
    if one.verdict:
        yield f"on its text: {one.verdict}"
    if one.labels:
        yield "on its label: " + ", ".join(f"fold {fold} {word}" for fold, word in one.labels.items())


def _taken(taken: Sequence[str]) -> str:
    """Trainings with a made row, those of one member and round together."""
    if not taken:
        return "taken by no training"
    groups: dict[str, list[str]] = {}
    for one in taken:
        name, _, fold = one.partition(" fold ")
        groups.setdefault(name, []).append(fold)
    return "taken by " + "; ".join(f"{name}, fold {', '.join(folds)}" for name, folds in groups.items())


def _training(story: Story) -> Iterator[str]:
    if not story.trained:
        if story.kind in ("train", "made", "external"):
            yield ""
            yield "trained on by no model"
        return
    yield ""
    yield "trained on by the models of these folds (that of fold K is trained without fold K)"
    rows = []
    for one in story.trained:
        name = f"{one.member}{' refit' if one.refit else ''}"
        as_given = one.target == story.label
        label = "" if as_given else f"as {cut(label_text(one.target, story.type), 30)}"
        weight = f"weight {one.weight:.3g}" + (f", 1 epoch in {one.draws}" if one.draws > 1 else "")
        by = one.made_by if one.made_by not in ("train", story.part) else ""
        folds = f"fold {', '.join(map(str, one.folds))}"
        rows.append((name, f"round {one.round}", folds, weight, by, label, _why_left_out(story, one)))
    yield from table(rows, before="  ")


def _why_left_out(story: Story, one: Training) -> str:
    """What kept the row out of the trainings without the other folds."""
    others = [fold for fold in one.left_out if fold != story.fold and not one.refit]
    if story.kind == "train" and others:
        pruned = {verdict.fold for verdict in story.noise if verdict.pruned}
        why = " (pruned)" if set(others) <= pruned else ""
        return f"not fold {', '.join(map(str, others))}{why}"
    return ""


def _pseudo(story: Story) -> Iterator[str]:
    if not story.pseudo:
        return
    yield ""
    yield "pseudo-labels by the models without each fold"
    rows = [
        (
            f"round {one.round}",
            f"fold {one.fold}",
            cut(label_text(one.label, "span" if story.type == "span" else "single_label"), 30),
            f"{one.confidence:.3f}",
            "" if one.votes is None else counted(one.votes, "vote"),
            one.why,
        )
        for one in story.pseudo
    ]
    yield from table(rows, before="  ")


def _predictions(story: Story) -> Iterator[str]:
    if not story.said:
        return
    yield ""
    yield {
        "train": "predicted by models that never saw it (out of fold)",
        "test": "predicted",
        "unlabelled": "predicted (mean over the folds' models)",
    }[story.kind]
    rows = []
    for one in story.said:
        number = f"round {one.round}" if one.round.isdigit() else one.round
        mark = {True: "right", False: "wrong", None: ""}[one.right]
        error = "" if one.error is None else f"off by {one.error:.4g}"
        rows.append((one.name, number, _values(story, one), mark or error))
    yield from table(rows, before="  ")


def _values(story: Story, one: Said) -> str:
    if story.type == "span":
        return f'"{cut(one.answer or "", 40)}", no answer {one.values["no answer"]:.3f}'
    if story.type == "regression":
        return ", ".join(f"{name} {value:.4g}" for name, value in one.values.items())
    shown = sorted(one.values, key=lambda name: -one.values[name])[:_CLASSES]
    own = [name for name in split(story.label or "") if name in one.values and name not in shown]
    words = [f"{cut(name, 18)} {one.values[name]:.3f}" for name in shown]
    if own:
        words.append("... " + ", ".join(f"{cut(name, 18)} {one.values[name]:.3f}" for name in own[:_CLASSES]))
    return "  ".join(words)


def _decision(story: Story) -> Iterator[str]:
    if story.decision is None:
        return
    yield ""
    shown = f'"{story.decision}"' if story.type == "span" and story.decision else None
    said = shown or ("(no answer)" if story.type == "span" else label_text(story.decision, story.type))
    by = f"{story.submitted}: " if story.submitted else ""
    if story.type == "span" and story.points is not None:
        judged = f" - {story.metric} {story.points:.3f}, given {label_text(story.label, story.type)}"
    elif story.error is not None:
        judged = f" - off by {story.error:.4g}, given {label_text(story.label, story.type)}"
    elif story.right is not None:
        judged = " - right" if story.right else f" - wrong, given {label_text(story.label, story.type)}"
    else:
        judged = ""
    yield from labelled("decision", f"{by}{said}{judged}")

"""Everything that happened to a row: gathered from the tables of a run, of which only what is needed is read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from podium import runs
from podium.errors import UserError, hint
from podium.explain import said
from podium.explain.artifact import config_of
from podium.explain.lookup import closest, row, rows
from podium.explain.places import Places, tasks_of
from podium.explain.steps import steps_of
from podium.explain.story import Kind, Made, Neighbour, Pseudo, Story, Training, Verdict, View

TEXTS = ("text_a", "text_b")
_NEIGHBOURS = 50


def find(results: Path, id: str, *, task: str | None) -> list[Story]:
    """Return the stories of the rows with this id, begun: in each task and part, and made rows.

    Raises ``UserError`` for a task that the results do not have; an id that is nowhere gives an empty list.
    """
    stories = []
    for places in _tasks(results, task):
        tables = {**places.ingested, **({} if "~" not in id else places.made)}
        for part, path in tables.items():
            found = row(path, id)
            if found is not None:
                stories.append(_begun(places, part, path, found))
    return stories


def unknown(results: Path, id: str, *, task: str | None) -> UserError:
    """The mistake of an id that no row has."""
    where = f"task {task}" if task else ", ".join(tasks_of(results))
    tables = [
        path
        for places in _tasks(results, task)
        for path in [*places.ingested.values(), *(places.made.values() if "~" in id else [])]
    ]
    near = closest(id, tables, 5) if tables else []
    told = f"the closest ids: {', '.join(near)}" if near else "no id is like it"
    return UserError(f"explain: there is no row '{id}' (in {where}), and no such file; {told}")


def tell(story: Story, results: Path) -> Story:
    """Add to a story that was begun everything that the run's tables say of the row."""
    places = Places(results, story.task, _config(results))
    story.views = _views(story, places)
    if story.kind == "train":
        _among_train(story, places)
    if story.kind in ("external", "unlabelled"):
        placed = row(results / f"folds/{story.task}/external/{story.part}.parquet", story.id)
        story.placed = {} if placed is None else {k: v for k, v in placed.items() if k in ("weight", "twins")}
    if story.kind in ("train", "test"):
        _likeness(story, places)
    _trainings(story, places)
    if story.kind in ("test", "unlabelled"):
        _pseudo(story, places)
    if story.kind not in ("made", "external"):
        said.add(story, places)
    story.left_out = sorted(places.left_out)
    return story


def _config(results: Path) -> dict[str, Any]:
    """The effective config of the last run that began here; without a record of any, that of the results."""
    begun = [run.config for run in runs.read_all(results) if run.config]
    return begun[-1] if begun else config_of(results.parent)


def _tasks(results: Path, task: str | None) -> list[Places]:
    names = tasks_of(results)
    if task is not None and task not in names:
        raise UserError(f"explain: {results} has no task '{task}'; {hint(task, names)}")
    config = _config(results)
    return [Places(results, name, config) for name in names if task in (None, name)]


def _begun(places: Places, part: str, path: Path, found: dict[str, Any]) -> Story:
    made = path.parts[-3] == "augment"
    kind: Kind = "made" if made else "unlabelled" if "target" not in found else "external"
    if part in ("train", "test") and not made:
        kind = "train" if part == "train" else "test"
    label = found.get("target")
    if made and label is None:
        source = row(places.ingested["train"], str(found["source_id"]), ["target"])
        label = source["target"] if source else None
    story = Story(
        task=places.task,
        type=places.type,
        metric=places.metric,
        kind=kind,
        part=part,
        id=str(found["id"]),
        texts=_texts(found),
        label=label,
        group=found.get("group"),
        source=str(found["source_id"]) if made else None,
    )
    if made:
        story.made = [_made(found, _label_verdicts(places, part, [story.id]))]
        _known_of_source(story, places)
    return story


def _known_of_source(story: Story, places: Places) -> None:
    """The fold of the row that a row was made from: where the made one may not be trained on."""
    found = row(places.results / f"folds/{story.task}/folds.parquet", str(story.source))
    story.fold = None if found is None else int(found["fold"])


def _texts(found: dict[str, Any]) -> dict[str, str]:
    return {name: found[name] or "" for name in TEXTS if name in found}


def _views(story: Story, places: Places) -> list[View]:
    found = []
    for name, folder in places.views().items():
        path = folder / f"{story.part}.parquet"
        there = row(path, story.id)
        if there is not None:
            texts = _texts(there)
            same = there.get("same_as")
            found.append(
                View(
                    name=name,
                    texts=texts,
                    steps=steps_of(path, story.texts, texts),
                    same_as=same if same != story.id else None,
                )
            )
    return found


def _among_train(story: Story, places: Places) -> None:
    """Fold, near-duplicates, a person's word, verdicts on the label, made rows: what only train rows have."""
    results, task = places.results, story.task
    dealt = row(results / f"folds/{task}/folds.parquet", story.id)
    if dealt is not None:
        story.fold, story.cluster = int(dealt["fold"]), int(dealt["cluster"])
        story.neighbours = _neighbours(story, places)
    word = row(results / f"noise/{task}/overrides.parquet", story.id)
    story.override = None if word is None else {"drop": bool(word["drop"]), "label": word["label"]}
    beside = row(results / f"noise/{task}/rows.parquet", story.id)
    story.beside = {k: v for k, v in (beside or {}).items() if k != "id"}
    for fold, path in places.folds_of(f"noise/{task}").items():
        found = row(path, story.id)
        if found is not None:
            kept = {name: found[name] for name in Verdict.__dataclass_fields__ if name != "fold"}
            story.noise.append(Verdict(fold=fold, **kept))
    for method, path in places.made.items():
        made = rows(path, {"source_id": [story.id]})
        labels = _label_verdicts(places, method, [str(one["id"]) for one in made])
        story.made += [_made(one, labels) for one in made]


def _neighbours(story: Story, places: Places) -> list[Neighbour]:
    """The other rows of the cluster, with label and text."""
    path = places.results / f"folds/{story.task}/folds.parquet"
    ids = [str(one["id"]) for one in rows(path, {"cluster": [story.cluster]}, ["id"])]
    return _rows_named([id for id in ids if id != story.id], places)


def _rows_named(ids: Sequence[str], places: Places) -> list[Neighbour]:
    if not ids:
        return []
    found = rows(places.ingested["train"], {"id": list(ids[:_NEIGHBOURS])}, ["id", "target", *TEXTS])
    return [
        Neighbour(id=str(one["id"]), label=one["target"], text=" | ".join(_texts(one).values()))
        for one in found
    ]


def _label_verdicts(places: Places, method: str, ids: list[str]) -> dict[str, dict[int, str]]:
    """By the id of a made row, the verdict of each fold on its label, where there is one."""
    found: dict[str, dict[int, str]] = {}
    for fold, path in places.folds_of(f"augment/{places.task}/{method}").items() if ids else ():
        for one in rows(path, {"id": ids}):
            found.setdefault(str(one["id"]), {})[fold] = str(one["verdict"])
    return found


def _made(found: dict[str, Any], labels: dict[str, dict[int, str]]) -> Made:
    id = str(found["id"])
    return Made(
        id=id,
        method=str(found["made_by"]),
        texts=_texts(found),
        copy=int(found.get("copy", 1)),
        draw=int(found.get("draw", 0)),
        verdict=str(found.get("verdict", "")),
        labels=labels.get(id, {}),
        taken=[],
    )


def _likeness(story: Story, places: Places) -> None:
    """How much like a test row it looks, and rows of the other part with the same text."""
    folder = places.results / f"adversarial/{story.task}"
    found = row(folder / f"{story.part}.parquet", story.id)
    story.like_test = None if found is None or "both" not in found else float(found["both"])
    mine, other = ("train_id", "id") if story.kind == "train" else ("id", "train_id")
    pairs = rows(folder / "overlap.parquet", {mine: [story.id]})
    if story.kind == "test":
        story.overlaps = _rows_named([str(pair[other]) for pair in pairs], places)
    else:
        story.overlaps = [Neighbour(id=str(pair[other]), label="", text="") for pair in pairs]


def _trainings(story: Story, places: Places) -> None:
    """Every training that the row was in, and those that took what was made of it."""
    part = story.part
    ways: dict[tuple[Any, ...], list[int]] = {}
    folds: dict[tuple[str, int, bool], set[int]] = {}
    made = {one.id: one for one in story.made}
    for table in places.trained():
        wanted = {"id": [story.id], **({"source_id": [story.id]} if story.kind == "train" else {})}
        found = rows(table.path, wanted)
        if table.joint:
            found = [one for one in found if one["task"] == story.task]
        key = (table.member, table.round, table.refit)
        folds.setdefault(key, set()).add(table.fold)
        for one in found:
            id = str(one["id"])
            if id == story.id and str(one["part"]) == part:
                how = (str(one["made_by"]), str(one["target"]), float(one["weight"]), int(one["draws"]))
                ways.setdefault((*key, *how), []).append(table.fold)
            if id in made and str(one["part"]) == made[id].method:
                again = ", refit" if table.refit else ""
                made[id].taken.append(f"{table.member} round {table.round} fold {table.fold}{again}")
    for (member, number, refit, made_by, target, weight, draws), taken in ways.items():
        story.trained.append(
            Training(
                member=member,
                round=number,
                refit=refit,
                folds=sorted(taken),
                left_out=sorted(folds[member, number, refit] - set(taken)),
                made_by=made_by,
                target=target,
                weight=weight,
                draws=draws,
            )
        )


def _pseudo(story: Story, places: Places) -> None:
    """The labels that the folds' models gave a row without one."""
    for folder in sorted((places.results / f"pseudo/{story.task}").glob("round*")):
        for fold, path in places.folds_of(f"pseudo/{story.task}/{folder.name}").items():
            for found in rows(path, {"id": [story.id]}):
                if found.get("part", "test") != story.part:
                    continue
                votes = found.get("votes")
                accepted = bool(found["accepted"])
                story.pseudo.append(
                    Pseudo(
                        round=int(folder.name[5:]),
                        fold=fold,
                        label=str(found["label"]),
                        votes=None if votes is None else int(votes),
                        confidence=float(found["confidence"]),
                        accepted=accepted,
                        why=str(found.get("why", "accepted" if accepted else "not taken")),
                    )
                )

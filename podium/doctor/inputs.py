"""Config and data: every mistake that the workflow would tell one stage after the other, told at once."""

import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from podium import diagnose, filecheck, guard, ingest
from podium.config import SpanTask, Task
from podium.doctor.check import Check, error, ok, warning
from podium.errors import UserError, printable
from podium.forecast import sizes
from podium.forecast.costs import hub_names
from podium.live import notes
from podium.plan import Plan
from podium.plan_span import SpanPlan
from podium.plans import Plans

HUB_SECONDS = 5.0
_STOPS = ("unusable_encoder",)
"""Findings of ``podium.diagnose`` with which training does not begin."""
_TRUE = ("1", "true", "yes", "on")


def mistakes(name: str, told: UserError) -> Iterator[Check]:
    """A line for each line of an error."""
    for line in str(told).splitlines():
        what, _, mend = line.rpartition("; ")
        yield error(name, what or line, mend if what else "mend it in the config or in the file")


def files(plans: Plans) -> Iterator[Check]:
    """Yield lines on the competition's files: there, readable, with the columns and targets that the config names."""
    try:
        filecheck.check_all(plans)
    except UserError as told:
        yield from mistakes("data", told)
        return
    for task, plan in plans.items():
        try:
            yield from _rows(task, plan)
        except UserError as told:
            yield from mistakes("data", told)


def _rows(task: str, plan: Plan) -> Iterator[Check]:
    block = plan.config.tasks[plan.task]
    waiting = [path for path in (block.train, block.test) if not Path(path).is_file()]
    if waiting:
        yield ok("data", f"{task}: {', '.join(waiting)} will be fetched")
        return
    told = _questions(plan) if isinstance(plan, SpanPlan) else _table(plan, block)
    found = [f"{task}: {mistake}" for mistake in told]
    yield from (error("data", mistake, "mend the file") for mistake in found)
    if not found:
        size = sizes.planned(plan)
        yield ok(
            "data", f"{task}: {size.part('train').rows:,} train rows, {size.part('test').rows:,} test rows"
        )


def _table(plan: Plan, block: Task | SpanTask) -> list[str]:
    """Mistakes of train, test and sample submission, as stage ingest finds them."""
    form = plan.ingest()
    coded = {key: form.pop(key) for key in ("encoding", "separator", "columns")}
    names = {key: form[key] for key in ("id", "text")}
    wanted = ingest.needed(**names, target=form["target"], group=form["group"])
    train = ingest.read_part(Path(block.train), wanted, **coded)
    test = ingest.read_part(Path(block.test), ingest.needed(**names, target=None, group=None), **coded)
    sample = Path(block.sample) if block.sample and Path(block.sample).is_file() else None
    found = ingest.train_mistakes(train, **form)
    return found + ingest.test_mistakes(test, **names, sample=ingest.read_sample(sample))


def _questions(plan: SpanPlan) -> list[str]:
    """Mistakes of a span task's files; those in the train part are told by reading it (``UserError``)."""
    block = plan.span
    sizes.planned(plan)
    sample = ingest.read_sample(Path(block.sample)) if block.sample and Path(block.sample).is_file() else None
    if sample is None:
        return []
    rows = sizes.questions(plan, "test").rows.rename(columns={"id": block.id})
    return ingest.test_mistakes(rows, id=block.id, text=["text_a", "text_b"], sample=sample)


def owner(root: Path, competition: str) -> Iterator[Check]:
    """Yield lines on results of another competition, and on a run that goes on."""
    try:
        holder = guard.holder_of(root / "results")
    except OSError:
        holder = None
    if holder not in (None, competition):
        path = root / "results" / guard.OWNER
        mend = f"move results/ away, or delete {path} if it is the same competition under another name"
        yield error(
            "results",
            f"results/ holds the competition '{printable(str(holder))}', the config is '{competition}'",
            mend,
        )
    run = notes.read(root)
    if run is not None and run.ended is None and run.here and guard.alive(run.process):
        yield warning(
            "results", "a run goes on in this folder", "see python -m podium watch; a second one is refused"
        )


def hub(plans: Plans, environ: Mapping[str, str]) -> Iterator[Check]:
    """Yield lines on encoders of the Hub that are not here yet; without any the network is left alone."""
    for name, revision in hub_names(plans):
        if environ.get("HF_HUB_OFFLINE", "").lower() in _TRUE:
            mend = "unset HF_HUB_OFFLINE, or copy the encoder here and name its folder"
            yield error("hub", f"{name} is not in data/hub/, and HF_HUB_OFFLINE forbids to fetch it", mend)
            continue
        problem = _reach(name, revision, environ)
        if problem is None:
            yield ok("hub", f"{name} can be fetched")
        else:
            mend = "mend the name or the connection, or copy the encoder here and name its folder"
            yield error("hub", f"{name}: {problem}", mend)


def _reach(name: str, revision: str | None, environ: Mapping[str, str]) -> str | None:
    """Why an encoder cannot be fetched; None where the Hub has it."""
    base = environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    address = f"{base}/api/models/{quote(name)}" + (
        f"/revision/{quote(revision, safe='')}" if revision else ""
    )
    if not address.startswith(("https://", "http://")):
        return f"HF_ENDPOINT is no web address: {base}"
    token = environ.get("HF_TOKEN")
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=HUB_SECONDS):
            return None
    except urllib.error.HTTPError as answer:
        known = {401: "the Hub has no such encoder, or it is not public", 404: "the Hub has no such encoder"}
        return known.get(answer.code, f"the Hub answers {answer.code}")
    except OSError as failed:
        return f"the Hub cannot be reached ({getattr(failed, 'reason', failed)})"


def causes(plans: Plans, root: Path) -> Iterator[Check]:
    """Yield what ``podium.diagnose`` finds before a run."""
    try:
        found = diagnose.diagnose(plans.config, root=root, member=None)
    except UserError as told:
        yield from mistakes("diagnose", told)
        return
    lines = 0
    for one in found:
        for finding in one.findings:
            lines += 1
            make = error if finding.cause in _STOPS else warning
            yield make(
                "diagnose", f"{one.task}/{one.member}: {finding.cause}: {finding.figure}", finding.advice
            )
    if not lines:
        yield ok("diagnose", f"nothing found in {len(found)} members")

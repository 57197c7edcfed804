"""What a run cost, how fast its training was, and the check against a hold-out: figures that no second run repeats."""

from pathlib import Path
from typing import Any

from podium.page import charts, times
from podium.page.html import Html, count, figure, join, number, share, signed, table, tag
from podium.readable import duration


def cost(results: Path) -> Html:
    """Time and memory by stage, training speed."""
    stages = times.stages(results)
    if not stages:
        return tag("p", "There are no records of time (results/benchmarks/).", class_="none")
    stages = sorted(stages, key=lambda each: -each["seconds"])
    whole, cpu = sum(each["seconds"] for each in stages), sum(each["cpu"] or 0 for each in stages)
    said = (
        f"All jobs on record took {duration(whole)} one after another and {duration(cpu)} of CPU time so far; "
        "jobs that ran side by side took less on the clock. Those of an earlier config count where their "
        "records are still there."
    )
    rows = [
        (each["stage"], each["seconds"], f"{duration(each['seconds'])}, {each['jobs']} jobs")
        for each in stages
    ]
    about = "Seconds of all jobs of a stage, as if one after another."
    body = [
        [
            each["stage"],
            each["jobs"],
            duration(each["seconds"]),
            "–" if each["cpu"] is None else duration(each["cpu"]),
            "–" if each["memory"] is None else f"{count(each['memory'])} MiB",
        ]
        for each in stages
    ]
    numbers = table(
        ["stage", "jobs", "seconds of jobs", "CPU seconds", "most memory of a job"],
        body,
        caption="Cost by stage",
    )
    drawing = charts.bars("time-stages", "Time by stage", about, rows)
    return join(
        [
            tag("p", said),
            tag("div", figure("Time by stage", about, drawing, numbers), _speed(results), class_="figures"),
        ]
    )


def _speed(results: Path) -> Html:
    speeds, peak = times.speeds(results), times.peak(results)
    if not speeds:
        return tag("p", "No member is trained in steps whose time was taken.", class_="none")
    rows, body = [], []
    for each in speeds:
        speed = each["operations_per_second"]
        part = _of_peak(speed, peak)
        fast = f"{count(each['tokens_per_second'])} tokens a second"
        rows.append(
            (each["member"], each["tokens_per_second"], fast + (f", {part} of the peak" if part else ""))
        )
        body.append(
            [
                each["member"],
                count(each["steps"]),
                count(each["tokens"]),
                duration(each["seconds"]),
                count(each["tokens_per_second"]),
                "–" if speed is None else number(speed / 1e9, 1),
                part or "–",
            ]
        )
    about = "Real tokens (no padding) that training takes in a second, on the machine that trained. "
    about += _peak(speeds, peak)
    drawing = charts.bars("time-speed", "Training speed", about, rows)
    head = ["member", "steps", "tokens", "time of steps", "tokens a second", "GFLOP/s of matrix products"]
    return figure(
        "Training speed", about, drawing, table([*head, "of the peak"], body, caption="Training speed")
    )


def _of_peak(speed: float | None, peak: dict[str, Any] | None) -> str:
    """The share of the peak; nothing where it is not known, or was measured while something else kept the machine."""
    part = None if speed is None or peak is None else speed / peak["operations_per_second"]
    return share(part) if part is not None and part <= 1 else ""


def _peak(speeds: list[dict[str, Any]], peak: dict[str, Any] | None) -> str:
    if peak is None:
        return (
            "The machine's peak was not measured: python -m podium peak does, in a few seconds, and the next page "
            "shows the share of it."
        )
    best = peak["operations_per_second"]
    told = f"The peak is {number(best / 1e9, 1)} GFLOP/s of matrix products ({peak['device']}, python -m podium peak)."
    if any((each["operations_per_second"] or 0) > best for each in speeds):
        told += " Training was faster than that: something else kept the machine busy, so measure again."
    return told


def holdout(found: dict[str, Any] | None) -> Html:
    """The reported score beside the true one."""
    if found is None:
        return tag(
            "p",
            "Not checked against true labels of the test rows (snakemake check_holdout), or that was for "
            "another score.",
            class_="none",
        )
    where = "inside" if found["inside"] else "outside"
    return tag(
        "p",
        f"On {count(found['n'])} held-out rows the true score is {number(found['true_score'])} ± "
        f"{number(found['true_se'])}; "
        f"{number(found['reported_cv'])} was reported by cross-validation ({signed(found['difference'])}, "
        f"{signed(found['standard_errors'], 2)} standard errors). It is {where} of what was expected in 9 of 10 cases, "
        f"{number(found['expected_low'])} to {number(found['expected_high'])}.",
    )

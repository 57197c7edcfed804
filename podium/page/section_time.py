"""What a run cost, how fast its training was, and the check against a hold-out: figures that no second run repeats."""

from pathlib import Path
from typing import Any

from podium.page import charts, times
from podium.page.html import Html, count, figure, join, number, share, signed, table, tag


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


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
    rows = [
        (each["member"], each["tokens_per_second"], f"{count(each['tokens_per_second'])} tokens a second")
        for each in speeds
    ]
    about = "Real tokens (no padding) that training takes in a second, on the machine that trained."
    drawing = charts.bars("time-speed", "Training speed", about, rows)
    head = [
        "member",
        "steps",
        "tokens",
        "time of steps",
        "tokens a second",
        "GFLOP/s of matrix products",
        "share of the peak",
    ]
    body = []
    for each in speeds:
        speed = each["operations_per_second"]
        part = None if speed is None or peak is None else speed / peak["operations_per_second"]
        body.append(
            [
                each["member"],
                count(each["steps"]),
                count(each["tokens"]),
                duration(each["seconds"]),
                count(each["tokens_per_second"]),
                "–" if speed is None else number(speed / 1e9, 1),
                share(part),
            ]
        )
    note = (
        f"The peak is {number(peak['operations_per_second'] / 1e9, 1)} GFLOP/s ({peak['device']}), "
        "measured by python -m podium peak."
        if peak
        else "The machine's peak was not measured: python -m podium peak does, in a few seconds, and the "
        "next page shows the share of it."
    )
    return figure("Training speed", f"{about} {note}", drawing, table(head, body, caption="Training speed"))


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

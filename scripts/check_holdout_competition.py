"""Compare the competition's reported score with the true one."""

from pathlib import Path

from podium import competition
from podium.check_holdout import compare_competition, render
from podium.files import read_json, write_json, write_text
from scripts import job


def main(
    *,
    reports: list[Path],
    summaries: list[Path],
    scores: Path,
    report: Path,
    summary: Path,
    metrics: dict[str, str],
    weights: dict[str, float],
) -> None:
    """Write the comparison as JSON to ``report``, in words to ``summary`` before those of the tasks."""
    told = dict(zip(metrics, (read_json(path) for path in reports), strict=True))
    share = competition.shares(metrics, weights)
    result = compare_competition(told, share, read_json(scores)["chosen"])
    write_json({**result, "tasks": told}, report)
    own = [
        f"{task}: {path.read_text(encoding='utf-8')}" for task, path in zip(metrics, summaries, strict=True)
    ]
    write_text("\n".join([render(result) + "\n", *own]), summary)


if __name__ == "__main__":
    job.run(main, snakemake)

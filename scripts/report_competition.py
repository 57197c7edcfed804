"""Write the short summary that a run of several tasks ends with."""

from pathlib import Path

import pandas as pd

from podium import report
from podium.files import read_json, write_text
from scripts import job


def main(
    *,
    scores: Path,
    summaries: list[Path],
    submission: Path,
    summary: Path,
    competition: str,
    tasks: list[str],
) -> None:
    """Write the competition's scores, then each task's own summary."""
    facts = read_json(scores)
    write_text(
        report.competition_summary(
            pd.DataFrame(facts["rows"]),
            competition=competition,
            submission=str(submission),
            chosen=facts["chosen"],
            summaries=dict(zip(tasks, (path.read_text(encoding="utf-8") for path in summaries), strict=True)),
        ),
        summary,
    )


if __name__ == "__main__":
    job.run(main, snakemake)

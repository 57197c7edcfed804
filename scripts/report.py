"""Write the short summary that a run ends with."""

from pathlib import Path
from typing import Any

import pandas as pd

from podium import report
from podium.files import read_json, write_text
from scripts import job


def main(
    *,
    scores: Path,
    submission: Path,
    profile: Path,
    predicted: Path,
    summary: Path,
    competition: str,
    settings: dict[str, Any],
) -> None:
    """Write the summary from the table of scores and the profile."""
    text = report.summary(
        pd.DataFrame(read_json(scores)),
        competition=competition,
        submission=str(submission),
        rows=len(pd.read_parquet(predicted, columns=["id"])),
        train_profile=read_json(profile),
        settings=settings,
    )
    write_text(text, summary)


if __name__ == "__main__":
    job.run(main, snakemake)

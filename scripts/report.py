"""Write the short summary that a run ends with."""

from pathlib import Path
from typing import Any

import pandas as pd

from podium import report
from podium.files import read_json, read_table, write_text
from scripts import job


def main(
    *,
    scores: Path,
    submission: Path,
    profile: Path,
    predicted: Path,
    summary: Path,
    pseudo: list[Path] | None = None,
    competition: str,
    settings: dict[str, Any],
) -> None:
    """Write the summary from the table of scores and the profile."""
    described = read_json(profile)
    labelled = [(int(path.parent.name.removeprefix("round")), read_table(path)) for path in pseudo or []]
    text = report.summary(
        pd.DataFrame(read_json(scores)),
        competition=competition,
        submission=str(submission),
        rows=len(read_table(predicted, columns=["id"])),
        train_profile=described,
        settings=settings,
        notes=described["warnings"][:6] + report.pseudo_notes(labelled),
    )
    write_text(text, summary)


if __name__ == "__main__":
    job.run(main, snakemake)

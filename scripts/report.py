"""Write the short summary that a run ends with."""

from pathlib import Path
from typing import Any

import pandas as pd

from podium import report
from podium.files import read_json, read_table, write_text
from podium.report_pretrain import pretrain_notes
from scripts import job


def main(
    *,
    scores: Path,
    submission: Path,
    profile: Path,
    predicted: Path,
    summary: Path,
    pseudo: list[Path] | None = None,
    trust: list[Path] | None = None,
    pretrained: list[Path] | None = None,
    competition: str,
    settings: dict[str, Any],
) -> None:
    """Write the summary from the table of scores and the profile."""
    described, facts = read_json(profile), read_json(scores)
    labelled = [(int(path.parent.name.removeprefix("round")), read_json(path)) for path in pseudo or []]
    warned = [warning for path in trust or [] for warning in read_json(path)["warnings"]]
    text = report.summary(
        pd.DataFrame(facts["rows"]),
        competition=competition,
        submission=str(submission),
        rows=len(read_table(predicted, columns=["id"])),
        train_profile=described,
        settings=settings,
        notes=report.profile_notes(described["warnings"], warned)
        + report.pseudo_notes(labelled, settings.get("bar", report.BAR))
        + pretrain_notes([read_json(path) for path in pretrained or []]),
        warnings=[warning["sentence"] for warning in warned],
        chosen=facts["chosen"],
    )
    write_text(text, summary)


if __name__ == "__main__":
    job.run(main, snakemake)

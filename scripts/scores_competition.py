"""Put the tasks' scores into one table, with the competition's own."""

from pathlib import Path

import pandas as pd

from podium import competition
from podium.files import read_json, write_csv, write_json
from scripts import job


def main(
    *,
    tables: list[Path],
    facts: list[Path],
    table: Path,
    out: Path,
    metrics: dict[str, str],
    weights: dict[str, float],
) -> None:
    """Write ``scores.csv``, the competition's rows first, and ``scores.json``: its score, each task's facts."""
    share = competition.shares(metrics, weights)
    told = dict(zip(metrics, (read_json(path) for path in facts), strict=True))
    rows = competition.table({task: pd.DataFrame(one["rows"]) for task, one in told.items()}, share)
    given = [pd.read_csv(path, keep_default_na=False, dtype={"round": "str"}) for path in tables]
    write_csv(pd.concat([rows, *given], ignore_index=True)[list(given[0].columns)], table)
    last = rows[rows["what"] == "submitted"].iloc[0]
    keys = (
        "metric",
        "cv",
        "se",
        "low",
        "high",
        "gain",
        "gain_se",
        "board",
        "board_low",
        "board_high",
        "no_gain",
    )
    folds = next(iter(told.values()))["chosen"]["fold_models"]
    chosen = {**{key: last[key] for key in keys}, "fold_models": folds}
    records = rows.to_dict(orient="records")
    write_json({"chosen": chosen, "shares": share, "rows": records, "tasks": told}, out)


if __name__ == "__main__":
    job.run(main, snakemake)

"""Compare the training rows' texts: equal and nearly equal ones with different labels, and those unlike all others."""

from pathlib import Path

from podium.files import read_table, write_table
from podium.noise import clashes, outliers
from podium.noise.overrides import apply
from scripts import job


def main(
    *,
    train: Path,
    folds: Path,
    out: Path,
    near_duplicates: float | None,
    seed: int,
    joint: bool,
    overrides: Path | None = None,
    threads: int,
) -> None:
    """Write ``id``, ``clash`` and ``near_clash`` (ids), ``outlier`` (score) and ``outlying``, without dropped rows.

    ``joint``: the folds are those of several tasks.
    """
    rows = apply(read_table(train), None if overrides is None else read_table(overrides))
    table = rows[["id"]].assign(
        clash=clashes.clashing(rows["id"], rows["target"], clashes.same_text(rows)), near_clash=""
    )
    if near_duplicates is not None:
        # The folds' clusters would hold the user's groups, too; of several tasks what one first text or a row of
        # another task ties together
        if joint or "group" in rows.columns:
            near = clashes.near_text(rows, threshold=near_duplicates, seed=seed)
        else:
            near = rows[["id"]].merge(read_table(folds), on="id", how="left")["cluster"].to_numpy()
        table["near_clash"] = clashes.clashing(rows["id"], rows["target"], near)
    scores = outliers.scores(rows, seed=seed, threads=threads)
    write_table(table.assign(outlier=scores.astype("float32"), outlying=outliers.marked(scores)), out)


if __name__ == "__main__":
    job.run(main, snakemake)

"""Make new training rows by one augmentation, and filter them."""

from pathlib import Path
from typing import Any

from podium.augment import KINDS, Resources
from podium.augment.frame import Segments
from podium.augment.making import make_rows
from podium.devices import device_for
from podium.files import read_table, write_table
from scripts import job


def main(
    *,
    train: Path,
    out: Path,
    method: str,
    kind: str,
    copies: int,
    draws: int,
    segments: Segments,
    settings: dict[str, Any],
    filter: dict[str, Any],
    language: str,
    seed: int,
    threads: int = 1,
    wordnet: Path | None = None,
    needs: list[Path] | Path | None = None,
) -> None:
    """Write the rows made of ``train`` with the filters' verdicts.

    ``settings`` are the kind's own keys. ``wordnet`` is the file ``corpora/wordnet/data.noun`` of WordNet's folder;
    ``needs`` only ties the job to the other files that it reads. ``threads`` is also the number of processes.
    """
    table = read_table(train)
    encoder = None if filter["encoder"] is None else Path(filter["encoder"])
    gpu = KINDS[kind].gpu and settings.get("engine") != "apertium"
    with device_for("transformer" if gpu or filter["similarity"] is not None else "linear") as device:
        resources = Resources(
            language=language,
            wordnet=wordnet.parents[2] if wordnet else None,
            device=device,
            cache=out.parents[2] / "cache" / kind,
        )
        judged = make_rows(
            table,
            kind=kind,
            method=method,
            seed=seed,
            copies=copies,
            draws=draws,
            segments=segments,
            resources=resources,
            filter={**filter, "encoder": encoder},
            processes=threads,
            **settings,
        )
    write_table(judged, out)


if __name__ == "__main__":
    job.run(main, snakemake)

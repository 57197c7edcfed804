"""Make new training rows by one augmentation, and filter them."""

import importlib
from pathlib import Path
from typing import Any

from podium.augment import KINDS, Resources, filters
from podium.augment.frame import Segments
from podium.devices import device_for
from podium.errors import UserError
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
    wordnet: Path | None = None,
    needs: list[Path] | Path | None = None,
) -> None:
    """Write the rows made of ``train`` with the filters' verdicts.

    ``settings`` are the kind's own keys. ``wordnet`` is the file ``corpora/wordnet/data.noun`` of WordNet's folder;
    ``needs`` only ties the job to the other files that it reads.
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
        made = importlib.import_module(KINDS[kind].module).run(
            table,
            method=method,
            seed=seed,
            copies=copies,
            draws=draws,
            segments=segments,
            resources=resources,
            **settings,
        )
        try:
            judged = filters.judge(
                made, table, language=language, device=device, **{**filter, "encoder": encoder}
            )
        except UserError as error:
            raise UserError(f"augment.{method}.{error}") from error
    write_table(judged, out)


if __name__ == "__main__":
    job.run(main, snakemake)

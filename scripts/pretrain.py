"""Train one encoder on the texts of the task, without its labels."""

from pathlib import Path
from typing import Any

from podium.devices import device_for
from podium.files import remove_folder, write_csv, write_json
from podium.pretrain.corpus import read_texts
from podium.pretrain.options import Settings
from podium.pretrain.run import pretrain
from scripts import job


def main(
    *,
    texts: list[Path] | Path,
    source: list[Path] | Path,
    encoder: Path,
    facts: Path,
    curve: Path,
    name: str,
    folder: str,
    parts: list[str],
    language: str,
    settings: dict[str, Any],
    seed: int,
    threads: int,
) -> None:
    """Write the trained encoder, what there is to say of it, and its perplexity's curve.

    ``source`` only ties the job to the files of the encoder in ``folder`` that it goes on from.
    """
    table = read_texts(texts if isinstance(texts, list) else [texts])
    scratch = facts.parent / "checkpoint"
    with device_for("transformer") as device:
        result = pretrain(
            table,
            Path(folder),
            encoder,
            Settings(**settings),
            language=language,
            seed=seed,
            device=device,
            threads=threads,
            scratch=scratch,
        )
    write_json({"name": name, "encoder": folder, "parts": parts, **result.facts}, facts)
    write_csv(result.curve, curve)
    remove_folder(scratch)


if __name__ == "__main__":
    job.run(main, snakemake)

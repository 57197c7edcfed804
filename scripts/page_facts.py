"""Gather what the report's page shows of one task."""

from pathlib import Path

from threadpoolctl import threadpool_limits

from podium.files import write_json
from podium.page.facts import Files, Settings, gather
from podium.targets import AnyType
from scripts import job


def main(
    *,
    scores: Path,
    profile: Path,
    train: Path,
    test: Path,
    labels: Path,
    decided: Path,
    oof: list[Path],
    ensembles: list[Path],
    fits: list[Path],
    models: list[Path],
    pretrained: list[Path],
    pseudo: list[Path],
    trust: list[Path],
    made: list[Path],
    out: Path,
    task: str,
    type: AnyType,
    metric: str,
    submit: str,
    readers: dict[str, int],
    off: dict[str, str],
    threads: int,
    settled: list[Path] | None = None,
    tokens: list[Path] | None = None,
    tested_tokens: list[Path] | None = None,
    noise: list[Path] | None = None,
) -> None:
    """Write the figures of a task as JSON; ``fits`` lie beside the predictions of ``ensembles``."""
    files = Files(
        scores=scores,
        profile=profile,
        train=train,
        test=test,
        labels=labels,
        decided=decided,
        oof=[*oof, *(settled or [])],
        ensembles=ensembles,
        models=models,
        tokens=tokens or [],
        tested_tokens=tested_tokens or [],
        noise=noise or [],
        made=made,
        pseudo=pseudo,
        trust=trust,
        pretrained=pretrained,
    )
    settings = Settings(task=task, type=type, metric=metric, submit=submit, readers=readers, off=off)
    with threadpool_limits(threads):  # sums depend on how many threads share them
        write_json(gather(files, settings), out)


if __name__ == "__main__":
    job.run(main, snakemake)

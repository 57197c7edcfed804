"""Average the members of a span task by one method, or by the best of several; all of it is cross-fitted."""

from pathlib import Path
from typing import Any

from podium.alignment import fold_numbers
from podium.files import read_table, write_json
from podium.span import ensembles
from podium.span.answers import decode_all
from podium.span.predictions import average, read, write
from podium.span.rules import RuleOptions
from scripts import job


def main(
    *,
    oof: list[Path],
    test: list[Path],
    train: Path,
    folds: Path,
    oof_out: Path,
    test_out: Path,
    fit: Path,
    members: list[str],
    methods: dict[str, dict[str, Any]],
    metric: str,
    options: dict[str, Any],
) -> None:
    """Write cross-fitted out-of-fold and test predictions, and how they came to be."""
    rows = read_table(train)
    questions = ensembles.Questions(
        contexts=rows["text_b"].tolist(),
        gold=decode_all(rows["target"]),
        folds=fold_numbers(read_table(folds), rows["id"]),
    )
    ids = rows["id"].tolist()
    said = {name: read(path).in_order(ids) for name, path in zip(members, oof, strict=True)}
    given: dict[str, Any] = {"metric": metric, "options": RuleOptions(**options)}
    if len(methods) == 1:
        ((name, settings),) = methods.items()
        fitted = ensembles.fit(name, settings, said, questions, **given)
    else:
        fitted = ensembles.choose(methods, said, questions, **given)
    tested = [read(path) for path in test]
    write(fitted.spans, oof_out)
    write(average([one.in_order(tested[0].ids) for one in tested], fitted.weights), test_out)
    write_json(ensembles.facts(fitted, members), fit)


if __name__ == "__main__":
    job.run(main, snakemake)

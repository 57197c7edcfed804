"""Every bad or odd file and config ends in clear lines or in the right rows, and changes nothing outside results/."""

import os
import re
from pathlib import Path

import fuzz_configs
import fuzz_files
import fuzz_more
import fuzz_more_forms
import fuzz_rows
import fuzz_samples
import fuzz_spans
import fuzz_types
import pytest
from fuzz_cases import Case, config
from fuzz_driver import check_mistake, guarded, plan

from podium.errors import UserError
from podium.span.ingest import from_file

CASES = [
    *fuzz_files.CASES,
    *fuzz_rows.CASES,
    *fuzz_samples.CASES,
    *fuzz_configs.CASES,
    *fuzz_types.CASES,
    *fuzz_spans.CASES,
    *fuzz_more.CASES,
    *fuzz_more_forms.CASES,
]


def test_names_are_unique() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 150


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_case(case: Case, tmp_path: Path) -> None:
    if case.name == "no permission" and os.geteuid() == 0:
        pytest.skip("nothing is closed to root")
    result = guarded(tmp_path, case.fill, whole=case.whole)
    if result.mistake is not None:
        check_mistake(result.mistake)
    if case.error is None:
        assert result.mistake is None, f"{result.stage}: {result.mistake}"
        assert result.stage == "done"
        if case.fine is not None:
            case.fine(result)
    else:
        assert result.mistake is not None, "nothing was told"
        assert re.search(case.error, result.mistake), result.mistake


@pytest.mark.parametrize("path", fuzz_configs.PATHS)
def test_values_of_other_sorts_are_taken_or_told(path: str) -> None:
    for value in fuzz_configs.VALUES:
        mistake = plan(config({path: value}))
        if mistake is not None:
            check_mistake(mistake)


def test_questions_with_values_of_other_sorts_are_read_or_told(tmp_path: Path) -> None:
    path, told = tmp_path / "train.json", 0
    form = {"answered": True, "group": "article", "max_lost": 0.5, "encoding": None, "separator": None}
    for name, files in fuzz_spans.odd():
        path.write_text(files["data/train.json"], encoding="utf-8")
        try:
            from_file(path, None, **form)
        except UserError as error:
            check_mistake(str(error))
            told += 1
        except Exception as error:
            raise AssertionError(f"{name}: {error!r}") from error
    assert told > 100

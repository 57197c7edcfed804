"""Every bad or odd file and config ends in clear lines or in the right rows, and changes nothing outside results/."""

import re
from pathlib import Path

import fuzz_configs
import fuzz_files
import fuzz_spans
import fuzz_types
import pytest
from fuzz_cases import Case
from fuzz_driver import check_mistake, guarded

CASES = [*fuzz_files.CASES, *fuzz_configs.CASES, *fuzz_types.CASES, *fuzz_spans.CASES]


def test_names_are_unique() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 150


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_case(case: Case, tmp_path: Path) -> None:
    result = guarded(tmp_path, case.fill)
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

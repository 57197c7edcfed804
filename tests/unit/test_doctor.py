"""Faults that are planted, and the lines that name them."""

import os
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from filelock import FileLock

from podium.commands import doctor as command
from podium.doctor import inputs, machine, report, software, storage
from podium.doctor.check import Check
from podium.errors import UserError
from podium.plans import Plans
from podium.validation import load

ROOT = Path(__file__).parents[2]
CONFIG: dict[str, Any] = {
    "competition": "c",
    "tasks": {
        "t": {"train": "train.csv", "test": "test.csv", "sample": "sample.csv", "text": ["x"], "target": "y"}
    },
    "models": {"linear": {"kind": "linear"}},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a sound competition, which is the current one."""
    monkeypatch.chdir(tmp_path)
    words = ["red apple", "green pear", "blue plum", "grey stone"]
    rows = pd.DataFrame({"id": [f"r{place}" for place in range(60)]})
    rows["x"] = [f"{words[place % 4]} number {place}" for place in range(60)]
    rows["y"] = [f"c{place % 4}" for place in range(60)]
    rows[:40].to_csv("train.csv", index=False)
    rows[40:].drop(columns="y").to_csv("test.csv", index=False)
    rows.loc[40:, ["id", "y"]].to_csv("sample.csv", index=False)
    return tmp_path


def plans(**changed: Any) -> Plans:
    return Plans(load({**CONFIG, **changed}), ROOT)


def of(checks: Iterable[Check], mark: str) -> str:
    """Lines with a mark: what was found, and how it is mended."""
    return "\n".join(f"{check.name}: {check.what} -> {check.mend}" for check in checks if check.mark == mark)


def envs(folder: Path, pins: str, wanted: str = "numpy\n") -> Path:
    made = folder / "envs"
    made.mkdir()
    (made / "constraints.txt").write_text(f"# pins\n{pins}")
    (made / "requirements.txt").write_text(wanted)
    (made / "lora.txt").write_text("no-such-package\n")
    return made


def test_an_old_python_is_an_error() -> None:
    assert "Python 3.10.2 is too old" in of(software.python_version((3, 10, 2)), "error")
    assert of(software.python_version((3, 12, 0)), "error") == ""


def test_a_version_off_its_pin_is_named(tmp_path: Path) -> None:
    own = software.installed("numpy")
    found = list(
        software.packages(envs(tmp_path, f"numpy==0.0.1\npandas=={software.installed('pandas')}\n"), {})
    )
    assert f"numpy {own} (pinned 0.0.1)" in of(found, "warning")
    assert "pandas" not in of(found, "warning")
    assert of(found, "error") == ""


def test_a_build_of_the_pinned_version_is_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(software, "version", lambda name: "2.13.0+cpu")
    assert of(software.packages(envs(tmp_path, "torch==2.13.0\n", "torch\n"), {}), "ok").startswith(
        "packages: 1 "
    )


def test_a_missing_package_is_named_with_the_command(tmp_path: Path) -> None:
    found = software.packages(envs(tmp_path, "", "numpy\nmissing-one\n"), {"lora.txt": "models.big.lora"})
    told = of(found, "error")
    assert "not installed: missing-one -> python -m pip install --requirement envs/requirements.txt" in told
    assert (
        "no-such-package, which models.big.lora needs -> python -m pip install --requirement envs/lora.txt"
        in told
    )


def test_the_shipped_pins_are_those_of_these_tests() -> None:
    assert of(software.packages(ROOT / "envs", {}), "error") == ""


def test_extras_are_those_of_the_config(folder: Path) -> None:
    bert = {"kind": "transformer", "encoder": "org/bert", "lora": {}}
    assert software.extras_of(plans(models={"bert": bert})) == {"lora.txt": "models.bert.lora"}
    back = {
        **{"kind": "back_translation", "engine": "marian", "through": ["de"]},
        **{"model_out": "org/en-de", "model_back": "org/de-en"},
    }
    assert software.extras_of(plans(augment={"back": back})) == {"translate.txt": "augment.back"}
    assert software.extras_of(plans()) == {}


def test_apertium_is_looked_for_where_it_is_configured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    back = {"kind": "back_translation", "engine": "apertium", "through": ["spa"]}
    told = of(software.programs(plans(augment={"back": back})), "error")
    assert "t: augment.back: apertium is not installed -> sudo apt-get install apertium" in told
    assert list(software.programs(plans())) == []


def cgroup(folder: Path, **files: str) -> Path:
    made = folder / "cgroup"
    made.mkdir()
    for name, content in files.items():
        (made / name.replace("_", ".", 1)).write_text(content)
    return made


def test_a_containers_limits_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = cgroup(tmp_path, cpu_max="150000 100000\n", memory_max="2000000000\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    assert machine.usable_cores(group) == (8, 1.5)
    told = of(machine.cores(8, None, group), "warning")
    assert "1 usable" in told
    assert "limited to 1.5" in told
    assert "--cores 1" in told
    assert "2.0 GB (the container's limit); about 3.0 GB" in of(machine.memory(3000.0, group), "error")
    assert "about 1.9 GB" in of(machine.memory(1900.0, group), "warning")
    assert of(machine.memory(100.0, group), "ok") != ""


def test_no_limit_is_no_limit(tmp_path: Path) -> None:
    group = cgroup(tmp_path, cpu_max="max 100000\n", memory_max="max\n")
    assert machine.usable_cores(group)[1] is None
    assert machine.memory_limit(group) is None
    assert machine.memory_limit(tmp_path / "none") is None


def test_more_threads_than_cores_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})
    bert = {"kind": "transformer", "encoder": "org/bert", "threads": 4}
    found = machine.cores(1, plans(models={"bert": bert}), folder / "none")
    assert "models.bert.threads: more threads than cores" in of(found, "warning")


def test_threads_that_keep_cores_busy() -> None:
    assert "ACTIVE" in of(machine.threads_settings({"OMP_WAIT_POLICY": "active"}), "warning")
    assert "no number" in of(machine.threads_settings({"OMP_NUM_THREADS": "two"}), "warning")
    assert list(machine.threads_settings({"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "2"})) == []


def gpu(**changed: Any) -> machine.Gpus:
    given = {"names": [], "megabytes": [], "build": "13.0", "driver": None, "reason": ""}
    return machine.Gpus(**{**given, **changed})


def test_gpus_in_words() -> None:
    none = gpu()
    assert "networks run on the CPU" in of(machine.gpus(none, None, 1, {}), "ok")
    two = gpu(names=["A", "A"], megabytes=[24000.0, 24000.0])
    assert "A 24.0 GB, A 24.0 GB (CUDA 13.0)" in of(machine.gpus(two, None, 1, {}), "ok")
    assert "--resources gpu=2" in of(machine.gpus(two, 3, 1, {}), "warning")
    assert "2 of 2 (A 24.0 GB, A 24.0 GB), and a job asks for 4" in of(
        machine.gpus(two, None, 4, {}), "warning"
    )
    assert "this torch is for CPUs" in of(
        machine.gpus(gpu(build=None, driver="570.1"), None, 1, {}), "warning"
    )
    old = gpu(driver="450.1", reason="The NVIDIA driver on your system is too old")
    told = of(machine.gpus(old, None, 1, {}), "warning")
    assert "cannot use the GPU with driver 450.1: The NVIDIA driver on your system is too old" in told
    assert "update the driver" in told
    hidden = machine.gpus(gpu(driver="570.1"), None, 1, {"CUDA_VISIBLE_DEVICES": ""})
    assert "CUDA_VISIBLE_DEVICES hides" in of(hidden, "warning")


class Status:
    """A file system with little room."""

    f_frsize, f_files, f_favail = 1000, 10, 10

    def __init__(self, kilobytes: int) -> None:
        self.f_bavail = kilobytes


def test_a_disk_that_is_too_small_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.os, "statvfs", lambda path: Status(500_000))
    needs = {tmp_path / "results": 600.0, tmp_path / "data": 10.0}
    told = of(storage.room(needs), "error")
    assert "500 MB free" in told
    assert "about 610 MB wanted" in told  # one disk, both folders
    assert "results" in told
    assert of(storage.room({tmp_path: 450.0}), "warning").count("disk:") == 2  # nearly full, and few files
    assert "500 MB free" in of(storage.room({tmp_path: 1.0}), "ok")


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert of(storage.usable([tmp_path / "results"]), "ok") != ""
    assert list(tmp_path.iterdir()) == []  # nothing stays, not even results/

    def refuse(*args: Any, **given: Any) -> Any:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(storage.tempfile, "TemporaryDirectory", refuse)
    told = of(storage.usable([tmp_path / "results"]), "error")
    assert "results cannot be written: Read-only file system" in told


def test_a_file_in_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    assert "results is a file, not a folder" in of(storage.usable([tmp_path / "results"]), "error")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_rights_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir(mode=0o500)
    assert "Permission denied" in of(storage.usable([tmp_path / "results"]), "error")


def test_locks_that_do_not_hold_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Open(FileLock):
        def acquire(self, *args: Any, **given: Any) -> Any:
            return None

    monkeypatch.setattr(storage, "FileLock", Open)
    assert "locks do not hold there" in of(storage.usable([tmp_path]), "error")


def test_a_network_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "file_system", lambda folder: "nfs4")
    assert "network disk (nfs4)" in of(storage.usable([tmp_path]), "warning")


def test_a_sound_competition_is_fine(folder: Path) -> None:
    assert "t: 40 train rows, 20 test rows" in of(inputs.files(plans()), "ok")
    assert of(inputs.files(plans()), "error") == ""


def test_wrong_ids_in_the_sample_are_named(folder: Path) -> None:
    sample = pd.read_csv("sample.csv", dtype="str")
    sample.loc[0, "id"] = "elsewhere"
    sample.to_csv("sample.csv", index=False)
    assert "elsewhere" in of(inputs.files(plans()), "error")


def test_all_mistakes_of_the_data_are_told(folder: Path) -> None:
    train = pd.read_csv("train.csv", dtype="str")
    train.loc[1, "id"] = "r0"
    train.to_csv("train.csv", index=False)
    test = pd.read_csv("test.csv", dtype="str")
    test.loc[1, "id"] = test.loc[0, "id"]
    test.to_csv("test.csv", index=False)
    told = of(inputs.files(plans()), "error")
    assert "r0" in told
    assert "r40" in told
    Path("test.csv").unlink()
    assert "there is no file test.csv -> put it there" in of(inputs.files(plans()), "error")


def test_results_of_another_competition_are_an_error(folder: Path) -> None:
    (folder / "results").mkdir()
    (folder / "results/competition.txt").write_text("other\n")
    assert "results/ holds the competition 'other'" in of(inputs.owner(folder, "c"), "error")
    assert list(inputs.owner(folder, "other")) == []
    (folder / "results/competition.txt").write_bytes(b"\xffc")
    assert "results/ holds the competition" in of(inputs.owner(folder, "c"), "error")


def test_a_run_without_gpus_can_be_asked_about(capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    command.options(parser)
    assert parser.parse_args(["--gpus", "0"]).gpus == 0
    for wrong in (["--cores", "0"], ["--gpus", "-1"], ["--gpus", "two"]):
        with pytest.raises(SystemExit):
            parser.parse_args(wrong)
        assert "must be a whole number of" in capsys.readouterr().err


def test_the_hub_is_asked_only_for_what_is_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(request: Any, timeout: float) -> Any:
        asked.append(request.full_url)
        raise OSError("no route")

    monkeypatch.setattr(inputs.urllib.request, "urlopen", refuse)
    bert = {"kind": "transformer", "encoder": "org/bert", "revision": "v1"}
    wanted = plans(models={"bert": bert})
    told = of(inputs.hub(wanted, {"HF_ENDPOINT": "https://mirror.example"}), "error")
    assert "org/bert: the Hub cannot be reached (no route)" in told
    assert asked == ["https://mirror.example/api/models/org/bert/revision/v1"]
    assert "HF_HUB_OFFLINE forbids" in of(inputs.hub(wanted, {"HF_HUB_OFFLINE": "1"}), "error")
    (folder / "data/hub/org--bert@v1").mkdir(parents=True)
    assert list(inputs.hub(wanted, {})) == []
    assert list(inputs.hub(plans(), {})) == []
    assert len(asked) == 1


def examined(folder: Path, config: Any) -> report.Report:
    asked = report.Settings(files=[Path("config.yaml")], cores=1, gpus=None, measure=False)
    return report.examine(config, folder, asked)


def test_mistakes_of_the_config_leave_the_other_checks(folder: Path) -> None:
    envs(folder, "")
    found = examined(
        folder, UserError("models.a: unknown key 'x'; did you mean 'y'?\nseed: is no number; write 1")
    )
    assert not found.fine
    assert "config: models.a: unknown key 'x' -> did you mean 'y'?" in of(found.checks, "error")
    assert "config: seed: is no number -> write 1" in of(found.checks, "error")
    assert {"packages", "cores", "gpu", "memory", "disk", "files"} <= {check.name for check in found.checks}
    assert "2 errors would stop the run" in report.text(found)
    assert found.plain()["fine"] is False


def test_a_sound_folder_has_an_estimate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real workflow in a folder of its own, asked by a real dry run."""
    for name in ("Snakefile", "workflow", "scripts", "podium", "profiles", "envs"):
        (folder / name).symlink_to(ROOT / name)
    Path("config.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    found = examined(folder, load(CONFIG))
    assert of(found.checks, "error") == ""
    assert found.forecast is not None
    assert found.forecast.jobs > 20
    assert {"train", "predict", "noise"} <= {stage.name for stage in found.forecast.stages}
    assert 5 < found.forecast.chain <= found.forecast.seconds
    assert "estimate: " in report.text(found)
    assert "nothing would stop a run" in report.text(found)
    assert not (folder / "results").exists()

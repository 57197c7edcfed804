"""Cores, memory and GPUs as this process may use them."""

import dataclasses
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from podium.doctor.check import Check, amount, error, ok, warning
from podium.plans import Plans

CGROUP = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60
_NEAR = 0.85  # share of the memory from which a run may end for want of it


def usable_cores(cgroup: Path) -> tuple[int, float | None]:
    """Cores that this process may run on, and the limit that a container sets, in cores; None without one."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _text(cgroup / "cpu.max").partition(" ")  # version 2
    if not quota:
        quota, period = _text(cgroup / "cpu/cpu.cfs_quota_us"), _text(cgroup / "cpu/cpu.cfs_period_us")
    if quota.isdigit() and period.isdigit() and int(period):
        return own, int(quota) / int(period)
    return own, None


def memory_limit(cgroup: Path) -> float | None:
    """The limit of memory that a container sets, in MB; None without one."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        told = _text(cgroup / name)
        if told.isdigit() and int(told) < _UNLIMITED:
            return int(told) / 1e6
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def cores(asked: int | None, plans: Plans | None, cgroup: Path) -> Iterator[Check]:
    """Yield lines on the cores; ``asked`` is what ``--cores`` will say, None for all."""
    own, limit = usable_cores(cgroup)
    usable = own if limit is None else min(own, max(1, int(limit)))
    told = f"{usable} usable of {os.cpu_count() or usable}"
    if limit is not None and limit < own:
        told += f" (the container is limited to {limit:g})"
    wanted = asked or own
    if wanted > usable:
        yield warning("cores", f"{told}, {wanted} would be used", f"run snakemake with --cores {usable}")
    else:
        yield ok("cores", f"{told}; --cores {wanted}")
    models = plans.config.models if plans is not None else {}
    wide = [name for name, model in models.items() if model.threads > usable]
    if wide:
        keys = ", ".join(f"models.{name}.threads" for name in wide)
        yield warning(
            "cores", f"{keys}: more threads than cores", f"set them to {usable}; threads wait for each other"
        )


def threads_settings(environ: Mapping[str, str]) -> Iterator[Check]:
    """Yield lines on the environment's settings of OpenMP."""
    if environ.get("OMP_WAIT_POLICY", "").upper() == "ACTIVE":
        yield warning(
            *("threads", "OMP_WAIT_POLICY=ACTIVE: threads that wait keep their cores busy"),
            "unset it; the workflow sets PASSIVE",
        )
    number = environ.get("OMP_NUM_THREADS", "")
    if number and not number.isdigit():
        yield warning("threads", f"OMP_NUM_THREADS={number} is no number", "unset it")


def memory(peak: float | None, cgroup: Path) -> Iterator[Check]:
    """Yield a line on the memory; ``peak`` is what the run is expected to take in MB, None where nobody knows."""
    system, limit = psutil.virtual_memory(), memory_limit(cgroup)
    total = system.total / 1e6
    total, whose = (limit, " (the container's limit)") if limit is not None and limit < total else (total, "")
    free = min(total, system.available / 1e6)
    told = f"{amount(free)} free of {amount(total)}{whose}"
    if peak is None:
        yield ok("memory", told)
    elif peak > total:
        yield error("memory", f"{told}; about {amount(peak)} at the peak", _LESS_MEMORY)
    elif peak > _NEAR * free:
        yield warning("memory", f"{told}; about {amount(peak)} at the peak", _LESS_MEMORY)
    else:
        yield ok("memory", f"{told}; about {amount(peak)} at the peak")


_LESS_MEMORY = (
    "run with fewer --cores, or lower batch_size (with accumulate: the same effective batch) or max_length of the "
    "largest model, or set its gradient_checkpointing: true"
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gpus:
    """What torch and the system say of GPUs: ``build`` is torch's CUDA version, None for a CPU build."""

    names: list[str]
    megabytes: list[float]
    build: str | None
    driver: str | None
    reason: str

    @property
    def count(self) -> int:
        """GPUs that can be used."""
        return len(self.names)


def find_gpus() -> Gpus:
    """Look for GPUs with torch; imported here, as that takes seconds."""
    import torch

    reasons: list[str] = []
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    reasons += [str(one.message).splitlines()[0] for one in told]
    names, megabytes = [], []
    for index in range(count):
        try:
            found = torch.cuda.get_device_properties(index)
        except (RuntimeError, AssertionError) as failed:
            reasons.append(str(failed).splitlines()[0])
            continue
        names.append(found.name)
        megabytes.append(found.total_memory / 1e6)
    return Gpus(
        names=names,
        megabytes=megabytes,
        build=torch.version.cuda,
        driver=_driver(Path("/proc/driver/nvidia/version")),
        reason="; ".join(dict.fromkeys(reasons)),
    )


def _driver(path: Path) -> str | None:
    """The version of NVIDIA's driver in the running kernel; None where there is none."""
    first = _text(path).partition("\n")[0]
    return next((word for word in first.split() if word[:1].isdigit() and "." in word), None)


def gpus(found: Gpus, asked: int | None, needed: int, environ: Mapping[str, str]) -> Iterator[Check]:
    """Yield lines on GPUs; ``asked`` is what ``--resources gpu=`` will say, ``needed``: how many a job can use."""
    if found.count:
        listed = ", ".join(
            f"{name} {amount(size)}" for name, size in zip(found.names, found.megabytes, strict=True)
        )
        if asked is not None and asked > found.count:
            mend = f"run with --resources gpu={found.count}; further jobs would wait for a device"
            yield warning("gpu", f"{found.count} ({listed}), {asked} would be used", mend)
        elif needed > (usable := found.count if asked is None else asked):
            mend = "a model's `devices` asks for more than there will be; its job uses those"
            yield warning("gpu", f"{usable} of {found.count} ({listed}), and a job asks for {needed}", mend)
        else:
            yield ok("gpu", f"{listed} (CUDA {found.build})")
    elif found.driver is not None and found.build is None:
        mend = "install a build of torch for CUDA from its own package index, the same version"
        yield warning(
            "gpu", f"the machine has NVIDIA's driver {found.driver}, but this torch is for CPUs", mend
        )
    elif found.driver is not None and environ.get("CUDA_VISIBLE_DEVICES", "x").strip() in ("", "-1"):
        yield warning("gpu", "CUDA_VISIBLE_DEVICES hides every GPU", "unset it")
    elif found.driver is not None:
        why = f": {found.reason}" if found.reason else ""
        mend = f"update the driver, or install a torch for an older CUDA than {found.build}"
        yield warning(
            "gpu", f"torch (CUDA {found.build}) cannot use the GPU with driver {found.driver}{why}", mend
        )
    else:
        yield ok("gpu", "none; networks run on the CPU" if needed else "none, and no model needs one")

"""A Slurm cluster of one node on this machine, with GPUs that are names alone.

Needs the programs of Debian's ``slurm-wlm`` and ``munge``. Controller, node and authentication run as the current user
and listen on the loopback interface; everything they write lies in one folder, and they end with the block.
"""

import getpass
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "sinfo")
CONFIG = """
ClusterName=podium
SlurmctldHost=localhost(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={controller}
SlurmdPort={node}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0
MinJobAge=3600
KillWait=2
SlurmdParameters=config_overrides
MpiDefault=none
GresTypes=gpu
NodeName=localhost NodeAddr=127.0.0.1 NodeHostname={host} Port={node} CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus}
PartitionName=all Nodes=localhost Default=YES MaxTime=INFINITE State=UP
"""
SECONDS = 30.0


def missing() -> list[str]:
    """Programs of Slurm that are not installed."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return [name for name in PROGRAMS if shutil.which(name, path=path) is None]


@contextmanager
def cluster(folder: Path, *, cpus: int, gpus: int) -> Iterator[Mapping[str, str]]:
    """Run a cluster in ``folder``; yield the environment in which its commands find it.

    Its node says that it has ``cpus`` cores, however many there are, and ``gpus`` devices that hold nothing.
    """
    folder = folder.absolute()
    _configure(folder, cpus=cpus, gpus=gpus)
    path = f"{folder}/bin:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": path}
    munge = ["munged", "--force", "--foreground", f"--key-file={folder}/munge.key"]
    munge += [f"--{name}={folder}/munge.{end}" for name, end in _MUNGE.items()]
    commands = [munge, ["slurmctld", "-D", "-c"], ["slurmd", "-D", "-N", "localhost"]]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            with (folder / f"{command[0]}.out").open("wb") as out:
                started.append(
                    subprocess.Popen(command, env=environment, stdout=out, stderr=out, start_new_session=True)
                )
            time.sleep(1)
        _wait_until_up(folder, environment)
        yield environment
    finally:
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(["scancel", f"--user={getpass.getuser()}"], env=environment, timeout=SECONDS)
            time.sleep(1)
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(SECONDS)
            process.kill()


_MUNGE = {"socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}


def _configure(folder: Path, *, cpus: int, gpus: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # munged serves no socket in a folder that others cannot reach
    for name in ("state", "spool"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    config = CONFIG.format(
        user=getpass.getuser(),
        folder=folder,
        controller=free_port(),
        node=free_port(),
        host=socket.gethostname().split(".")[0],
        cpus=cpus,
        gpus=gpus,
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
    )
    (folder / "slurm.conf").write_text(config, encoding="utf-8")
    # Files that every machine has, one for a device: Slurm numbers devices by them and never opens them
    files = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random")[:gpus]
    lines = [f"NodeName=localhost Name=gpu File={file}" for file in files]
    (folder / "gres.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    # The executor clears Slurm's variables in a job before it calls srun, the one that names this config among them
    srun = folder / "bin/srun"
    srun.parent.mkdir(exist_ok=True)
    config_file = shlex.quote(str(folder / "slurm.conf"))
    call = f'#!/bin/sh\nSLURM_CONF={config_file} exec {shutil.which("srun")} "$@"\n'
    srun.write_text(call, encoding="utf-8")
    srun.chmod(0o755)


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_until_up(folder: Path, environment: Mapping[str, str]) -> None:
    """Return once the node takes jobs; raise ``RuntimeError`` with the logs' last words where it does not."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        asked = ["sinfo", "--noheader", "--format=%t"]
        found = subprocess.run(asked, env=environment, capture_output=True, text=True)
        if found.stdout.strip() == "idle":
            return
        time.sleep(0.5)
    logs = [path.read_text(errors="replace")[-1500:] for path in sorted(folder.glob("*.[lo][ou][gt]"))]
    raise RuntimeError("\n".join(["Slurm does not come up", *logs]))

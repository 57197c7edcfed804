"""An executor whose jobs start where a pod's do: an empty folder, the image's programs, the keys of the object store.

Snakemake gives a job the command that it gives a pod (``snakemake-executor-plugin-kubernetes``, whose settings these
are): fetch the workflow's files from the object store, run one job, take its files from there and back. Only that a
pod first installs the storage plugin, which the image has, is left out. It is a plugin by the name of its folder, and
found where that lies on Python's path.
"""

import os
import subprocess
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface
from snakemake_interface_executor_plugins.settings import CommonSettings

FOLDER = "PODIUM_BENCH_PODS"
"""Variable that names the folder in which the jobs' folders and outputs lie."""
KEPT = ("PATH", "LANG", "OMP_WAIT_POLICY")

common_settings = CommonSettings(
    non_local_exec=True,
    implies_no_shared_fs=True,
    job_deploy_sources=True,
    pass_default_storage_provider_args=True,
    pass_default_resources_args=True,
    pass_envvar_declarations_to_cmd=False,
    auto_deploy_default_storage_provider=False,
    init_seconds_before_status_checks=0,
)


class Executor(RemoteExecutor):
    """Each job is a process in a new folder of its own; what it says is in ``NAME.txt`` beside that."""

    def __post_init__(self) -> None:
        """Keep the processes by the names of their folders."""
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def run_job(self, job: JobExecutorInterface) -> None:
        """Start a job."""
        folder = Path(tempfile.mkdtemp(prefix="pod-", dir=os.environ[FOLDER]))
        own = {name: os.environ[name] for name in KEPT if name in os.environ}
        with folder.with_suffix(".txt").open("wb") as said:
            self.running[folder.name] = subprocess.Popen(
                ["/bin/sh", "-c", self.format_job_exec(job)],
                cwd=folder,
                env={**own, "HOME": str(folder), **self.envvars()},
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.report_job_submission(SubmittedJobInfo(job=job, external_jobid=folder.name))

    async def check_active_jobs(
        self, active_jobs: list[SubmittedJobInfo]
    ) -> AsyncGenerator[SubmittedJobInfo, None]:
        """Report the jobs that have ended, yield the others."""
        for info in active_jobs:
            status = self.running[str(info.external_jobid)].poll()
            if status is None:
                yield info
            elif status == 0:
                self.report_job_success(info)
            else:
                said = Path(os.environ[FOLDER], f"{info.external_jobid}.txt")
                self.report_job_error(info, msg=said.read_text(encoding="utf-8", errors="replace")[-3000:])

    def cancel_jobs(self, active_jobs: list[SubmittedJobInfo]) -> None:
        """End jobs."""
        for info in active_jobs:
            self.running[str(info.external_jobid)].kill()

"""A competition over an object store, each job as a pod begins: in an empty folder, with nothing but the store.

    python -m bench.object_store                         # a tiny competition, also run on the disk
    python -m bench.object_store --config config.yaml    # a whole one, over the store alone

The store is moto's S3 server on this machine, the jobs are processes (``bench/pods``): what is seen is whether each
rule gets along with the files that it names, and whether these come back the same. Needs envs/kubernetes.txt and
``moto[server]``; installs nothing.
"""

import contextlib
import hashlib
import importlib.util
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.common import ROOT, arguments, show
from bench.slurm import clone, digests, is_result, snakemake
from bench.slurm_cluster import free_port

BUCKET, PREFIX = "bucket", "podium"
CORES = 4
WAIT_SECONDS = 60.0
KEYS = {f"SNAKEMAKE_STORAGE_S3_{name}": "testing" for name in ("ACCESS_KEY", "SECRET_KEY")}
NEEDED = ("moto", "boto3", "snakemake_storage_plugin_s3")
NETWORKS: dict[str, Any] = {
    "pretrain": {
        "texts": {
            "scratch": {"layers": 1, "hidden_size": 32, "heads": 2, "intermediate_size": 64},
            "epochs": 1,
            "max_length": 32,
        }
    },
    "models": {
        "linear": {"kind": "linear", "noise": "prune", "augment": ["guessed"], "view": "clean"},
        "network": {"kind": "transformer", "encoder": "pretrain/texts", "epochs": 1, "max_length": 32},
    },
    "text": {"views": {"raw": [], "clean": ["whitespace", "emoji"]}},
    "augment": {"guessed": {"kind": "mlm", "encoder": "pretrain/texts"}},
    "pseudo": {"rounds": 1},
    "folds": {"n": 3},
    "adversarial": {"enabled": True},
    "ensemble": {"submit": "best"},
}
"""What the tiny competition has here beyond that of ``bench.slurm``: one job at least of nearly every rule."""


def main() -> None:
    """Run the competition over the store and on the disk; print what differs."""
    options = arguments(
        str(__doc__), config={"type": Path, "help": "a competition of one's own; over the store alone"}
    )
    lacking = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if lacking:
        sys.exit(f"bench: not installed: {', '.join(lacking)}")
    with tempfile.TemporaryDirectory(prefix="podium-store-") as name, server() as endpoint:
        folder = Path(name)
        sizes = (90, 40) if options.quick else (240, 90)
        remote = clone(folder / "remote", options.config, sizes, **NETWORKS)
        _by_git(remote)
        store = Store(endpoint)
        store.put(remote / "data", f"{PREFIX}/data")
        result = _over_store(remote, folder / "pods", endpoint)
        found = store.digests(f"{PREFIX}/results")
        result["files_in_the_store"] = len(found)
        if options.config is None:
            local = clone(folder / "local", None, sizes, **NETWORKS)
            snakemake(local, ["--cores", "2"], os.environ)
            own = digests(local)
            result["files_compared"] = len(own)
            result["files_that_differ"] = sorted(
                name for name in own.keys() & found if own[name] != found[name]
            )
            result["files_in_one_alone"] = sorted(own.keys() ^ found)  # the run's own notes stay beside it
        result["submission"] = next((name for name in found if name.startswith("submission")), None)
    show([{"what": name, "value": str(value)} for name, value in result.items()], result, options.json)


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Start moto's server on a free port of this machine; yield its address."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + WAIT_SECONDS
            while socket.socket().connect_ex(("127.0.0.1", port)):
                if process.poll() is not None or time.monotonic() > until:
                    sys.exit("bench: moto's server did not start")
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


class Store:
    """A bucket of the server."""

    def __init__(self, endpoint: str) -> None:
        import boto3

        keys = dict.fromkeys(("aws_access_key_id", "aws_secret_access_key"), "testing")
        self.client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys)
        self.client.create_bucket(Bucket=BUCKET)

    def put(self, folder: Path, prefix: str) -> None:
        """Copy the files below ``folder``."""
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            self.client.upload_file(str(path), BUCKET, f"{prefix}/{path.relative_to(folder).as_posix()}")

    def digests(self, prefix: str) -> dict[str, str]:
        """SHA-256 of the objects below ``prefix`` that do not tell times."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/")
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return {
            key.removeprefix(f"{prefix}/"): hashlib.sha256(self._read(key)).hexdigest()
            for key in keys
            if is_result(key.removeprefix(f"{prefix}/"))
        }

    def _read(self, key: str) -> bytes:
        body: bytes = self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body


def _by_git(folder: Path) -> None:
    """Make a repository of ``folder``: Snakemake hands to pods what git knows. Data does not come that way."""
    (folder / ".gitignore").write_text("data/\n", encoding="utf-8")
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


def _over_store(folder: Path, pods: Path, endpoint: str) -> dict[str, Any]:
    """Run in ``folder``, jobs in folders of ``pods``; how long it took and how many jobs there were."""
    pods.mkdir()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | KEYS | {"PODIUM_BENCH_PODS": str(pods), "PATH": path}
    environment["PYTHONPATH"] = str(ROOT / "bench/pods")
    profile = [  # profiles/kubernetes, but for the executor and the cluster's own keys
        *("--executor", "folders", "--jobs", str(CORES), "--cores", str(CORES), "--nolock"),
        *("--default-storage-provider", "s3", "--default-storage-prefix", f"s3://{BUCKET}/{PREFIX}"),
        *("--storage-s3-endpoint-url", endpoint),
        *("--rerun-triggers", "mtime", "params", "input", "software-env"),
        *("--envvars", *KEYS, "--seconds-between-status-checks", "1"),
    ]
    started = time.perf_counter()
    snakemake(folder, profile, environment)
    seconds = time.perf_counter() - started
    jobs = [path for path in pods.iterdir() if path.is_dir()]
    again = snakemake(folder, [*profile, "--dry-run"], environment)
    left = re.findall(r"^total +(\d+)$", again, flags=re.M)
    return {"seconds": seconds, "jobs": len(jobs), "jobs_that_are_left": int(left[0]) if left else 0}


if __name__ == "__main__":
    os.chdir(ROOT)
    main()

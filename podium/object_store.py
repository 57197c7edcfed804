"""Runs whose files lie in an object store: what Snakemake's S3 plugin needs to be told."""

import functools
from typing import Any


def see_new_folders(storage: type[Any]) -> None:
    """Let an S3 ``storage`` object look again for a folder that was not there.

    A folder is no object in a store, only what stands before the names of some. ``snakemake-storage-plugin-s3`` (to
    0.3.6) asks once whether there is one and remembers a no, too. So a run that looked before a job made a model's
    folder takes it for missing for ever.
    """
    asked = storage.is_dir
    if hasattr(asked, "__wrapped__"):
        return

    @functools.wraps(asked)
    def is_dir(self: Any) -> bool:
        if not self._is_dir:
            self._is_dir = None
        return bool(asked(self))

    storage.is_dir = is_dir

"""What a run's tables say of the test rows, for the estimate of ``podium.averaging``."""

from pathlib import Path

import pandas as pd

from podium.averaging import Said
from podium.files import read_rows


class BoardTables:
    """What is said of the test rows ``ids``, or why the gain of averaging is not to be estimated from it."""

    def __init__(self, ids: pd.Series, labels: list[str], mistake: str | None) -> None:
        self.ids, self.labels, self.mistake = ids, labels, mistake
        self.refitted: set[str] = set()

    def member(self, name: str, test: Path, folds: Path) -> Said | str:
        """Of a member in a round; its last round comes last."""
        said = self._read(test, folds)
        self.refitted.discard(name)
        if isinstance(said, str) or said.averaged:
            return said
        self.refitted.add(name)
        return "the test rows are predicted by models of all rows (refit), of which no score is known"

    def ensemble(self, members: list[str], test: Path, folds: Path) -> Said | str:
        """Of an ensemble of members in their last rounds."""
        if others := sorted(self.refitted.intersection(members)):
            return f"{', '.join(others)} in it: models of all rows (refit), of which no score is known"
        return self._read(test, folds)

    def decided(self, said: Said | str, test: Path, folds: Path, *, shifted: bool) -> Said | str:
        """Of labels that were decided from what an ensemble says."""
        if isinstance(said, str):
            return said
        if shifted:
            return "the test rows were corrected for other class shares (decision.method: prior)"
        return said.decided(read_rows(test, self.ids), read_rows(folds, self.ids), self.ids, self.labels)

    def _read(self, test: Path, folds: Path) -> Said | str:
        if self.mistake is not None:
            return self.mistake
        return Said.of_tables(read_rows(test, self.ids), read_rows(folds, self.ids), self.ids, self.labels)

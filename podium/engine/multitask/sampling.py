"""Which rows of which task an epoch draws.

Shapes: N rows, T tasks.
"""

from collections.abc import Callable

import numpy as np

METHODS = ("proportional", "square_root", "equal", "annealed")
NEVER = np.iinfo(np.int64).max


def exponent(method: str, epoch: int, epochs: int) -> float:
    """Return the power of a task's rows that its share of ``epoch`` (0 is the first) of ``epochs`` is proportional to.

    ``proportional`` 1, ``square_root`` 1/2, ``equal`` 0; ``annealed`` falls from 1 in the first epoch to 0.2 in the
    last, 1 - 0.8 (e - 1) / (E - 1): Stickland and Murray 2019 (arXiv 1902.02671), who draw a task for each
    batch where this engine draws the rows of an epoch, so that a batch has rows of several tasks.
    """
    if method not in METHODS:
        raise ValueError(f"sampling: {method!r} is none of {METHODS}")
    if method == "annealed":
        return 1 - 0.8 * epoch / (epochs - 1) if epochs > 1 else 1.0
    return {"proportional": 1.0, "square_root": 0.5, "equal": 0.0}[method]


def apportion(total: int, sizes: np.ndarray, power: float) -> np.ndarray:
    """Deal ``total`` draws to tasks of ``sizes`` (T,) rows in proportion to sizes^``power``, by largest remainders.

    A task without rows gets none. With power 1 and the sum of the sizes each gets its size.
    """
    weights = np.where(sizes > 0, np.maximum(sizes, 1).astype(np.float64) ** power, 0.0)
    if not weights.any():
        return np.zeros(len(sizes), dtype=np.int64)
    exact = total * weights / weights.sum()
    counts = np.floor(exact + 1e-9).astype(np.int64)
    rest = np.argsort(counts - exact, kind="stable")[: total - counts.sum()]
    counts[rest] += 1
    return counts


class Sampler:
    """Draws the rows of each epoch, as a function of ``seed``, the epoch and what has stopped.

    An epoch has as many draws as the tasks have rows together, dealt to the tasks by ``apportion``. Within a task the
    rows that were drawn least often so far come first, at random among equals, so that over a whole run two rows of a
    task differ by one draw at most; a row comes twice in an epoch only where the task's draws are more than its rows.
    With ``proportional`` each row comes once in each epoch.

    ``task`` (N,) int is the task of each row, ``available`` gives the rows that an epoch may draw, ascending (a made
    row has its turns).
    """

    def __init__(
        self, method: str, task: np.ndarray, tasks: int, available: Callable[[int], np.ndarray], *, seed: int
    ) -> None:
        exponent(method, 0, 1)
        self._method, self._task, self._tasks = method, task, tasks
        self._available, self._seed = available, seed
        self._drawn = np.zeros(len(task), dtype=np.int64)
        self._epoch, self._rows = -1, np.zeros(0, dtype=np.int64)

    def rows(self, epoch: int, *, epochs: int, stopped: np.ndarray) -> np.ndarray:
        """Return the places of the rows of ``epoch`` (0 is the first) of ``epochs``, ascending, with repetitions.

        ``stopped`` (T,) is the first epoch in which a task is no longer drawn (``NEVER`` where it goes on); the draws
        of the other tasks stay as many as they were, so the epoch is shorter.
        """
        if epoch < self._epoch:
            self._drawn[:] = 0
            self._epoch = -1
        while self._epoch < epoch:
            self._epoch += 1
            self._rows = self._draw(self._epoch, epochs, stopped > self._epoch)
        return self._rows

    def _draw(self, epoch: int, epochs: int, drawn: np.ndarray) -> np.ndarray:
        pool = self._available(epoch)
        task = self._task[pool]
        sizes = np.bincount(task, minlength=self._tasks)
        counts = apportion(len(pool), sizes, exponent(self._method, epoch, epochs))
        taken = [np.zeros(0, dtype=np.int64)]
        for number in np.flatnonzero(drawn & (counts > 0)):
            mine = pool[task == number]
            whole, rest = divmod(int(counts[number]), len(mine))
            random = np.random.default_rng([self._seed, epoch, int(number)])
            order = np.lexsort((random.random(len(mine)), self._drawn[mine]))
            self._drawn[mine] += whole
            self._drawn[mine[order[:rest]]] += 1
            taken += [np.repeat(mine, whole), mine[order[:rest]]]
        return np.sort(np.concatenate(taken))

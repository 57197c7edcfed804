"""Look at a run from another terminal while it goes on (docs/watch.md)."""

import json
import shutil
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from podium.errors import UserError

HELP = "look at a run from another terminal: what runs, how far, how long still"
SECONDS, PLAIN_SECONDS = 1.0, 10.0


def options(parser: ArgumentParser) -> None:
    """Once, or as JSON."""
    parser.add_argument("--once", action="store_true", help="say how it stands now, and end")
    parser.add_argument("--json", action="store_true", help="a line of JSON for programs, each time")


def run(given: Namespace) -> int:
    """Show the run of this folder until it ends; status 1 where it failed or was killed."""
    try:
        return _watch(given)
    except KeyboardInterrupt:
        print()
        return 0


def _watch(given: Namespace) -> int:
    from podium.live import left, notes, screen, view  # with their libraries

    root = Path()
    found = notes.read(root)
    if found is None and given.once:
        raise UserError("watch: no run has begun in this folder; start snakemake here, or go to its folder")
    if found is None:
        print("no run has begun in this folder yet; waiting for one (Ctrl-C ends)", file=sys.stderr)
    while found is None:
        time.sleep(SECONDS)
        found = notes.read(root)
    knows = left.of_run(found, root) if found.ended is None else None
    painter = Painter(plain=not sys.stdout.isatty())
    while True:
        if knows is not None:
            knows.learn(found)
        now = view.look(found, knows, time.time())
        if given.json:
            print(json.dumps(now.plain(), ensure_ascii=False), flush=True)
        elif given.once:
            print("\n".join(screen.screen(now)))
        else:
            painter.show(screen.screen(now), screen.line(now), last=now.status != "running")
        if given.once or now.status != "running":
            return int(now.status in ("failed", "killed", "stopped"))
        time.sleep(SECONDS if painter.plain is False or given.json else PLAIN_SECONDS / 10)
        again = notes.read(root)
        if again is not None and again.process != found.process and again.ended is None:
            knows = left.of_run(again, root)
        found = again or found


class Painter:
    """Shows a screen in place of the last one on a terminal; elsewhere a line every few seconds, where it changed."""

    def __init__(self, *, plain: bool) -> None:
        self.plain = plain
        self._lines, self._last, self._at = 0, "", 0.0

    def show(self, screen: list[str], line: str, *, last: bool) -> None:
        """Show what there is now; ``last``: nothing follows, so that all of it stands in a log, too."""
        if not self.plain:
            size = shutil.get_terminal_size()
            cut = screen if last else [text[: size.columns - 1] for text in screen[: size.lines - 1]]
            back = f"\x1b[{self._lines}F\x1b[J" if self._lines else ""
            sys.stdout.write(back + "\n".join(cut) + "\n")
            sys.stdout.flush()
            self._lines = len(cut)
        elif last:
            print("\n".join(screen), flush=True)
        elif line != self._last and time.monotonic() - self._at >= PLAIN_SECONDS:
            print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)
            self._last, self._at = line, time.monotonic()

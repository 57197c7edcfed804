"""A run's view as lines of text: a screen for a terminal, one line for a log."""

from podium.live.view import Active, View
from podium.readable import duration

_SHOWN = 12  # running jobs on a screen
_BAR = 40
_ENDS = {
    "finished": "finished",
    "failed": "failed",
    "stopped": "stopped before its end",
    "killed": "was killed",
}


def headline(view: View) -> str:
    """One line: what it is, how far, how long."""
    total = f"{view.total} jobs" if not view.open else f"{view.total} jobs known so far"
    where = f" on {view.host}" if view.host else ""
    if view.status == "running":
        left = "" if view.left is None else f", about {duration(view.left)} left"
        return f"{view.competition}: running{where} for {duration(view.seconds)}, {view.done} of {total} done{left}"
    again = "; its process is gone, starting it again goes on" if view.status == "killed" else ""
    ended = f"{_ENDS[view.status]} after {duration(view.seconds)}"
    return f"{view.competition}: {ended}, {view.done} of {total} done{again}"


def line(view: View) -> str:
    """One line for a log: the headline, and what runs."""
    named = [f"{one.name}{_percent(one)}" for one in view.running[:4]]
    more = f" and {len(view.running) - 4} more" if len(view.running) > 4 else ""
    return headline(view) + (f"; now {', '.join(named)}{more}" if named else "")


def screen(view: View) -> list[str]:
    """The lines of a whole screen."""
    lines = [headline(view)]
    if view.status == "running" and view.total:
        full = round(_BAR * view.done / view.total)
        lines.append(f"[{'#' * full}{'.' * (_BAR - full)}] {view.done / view.total:.0%}")
        lines.append(
            "  ".join(f"{name} {done}/{jobs}" for name, (done, jobs) in view.stages.items() if done < jobs)
        )
    width = max((len(one.name) for one in view.running), default=0)
    lines += [f"  {_job(one, width)}" for one in view.running[:_SHOWN]]
    if len(view.running) > _SHOWN:
        lines.append(f"  and {len(view.running) - _SHOWN} more")
    return lines + failures(view)


def failures(view: View) -> list[str]:
    """What went wrong, a line a job."""
    lines = [f"  failed: {one.name}: {one.error} (log: {one.log})" for one in view.failed]
    if view.status in ("failed", "stopped") and not view.failed:
        lines.append(f"  no job told a reason; Snakemake's own log: {view.log}")
    return lines


def _percent(one: Active) -> str:
    return "" if not one.progress else f" {one.progress['done'] / max(1, one.progress['of']):.0%}"


def _job(one: Active, width: int) -> str:
    parts = [f"{one.name:<{width}}", f"{one.device or '':<6}", f"{duration(one.seconds):>10}"]
    told = one.progress
    if told:
        part = told["done"] / max(1, told["of"]) * told["epochs"]
        parts.append(
            f"step {told['done']} of {told['of']}, epoch {part:.1f} of {told['epochs']:.1f}, loss {told['loss']:.4f}, "
            f"{told['tokens_per_second']:,.0f} tokens/s"
        )
    if one.left is not None:
        parts.append(f"about {duration(one.left)} left")
    return "  ".join(parts)

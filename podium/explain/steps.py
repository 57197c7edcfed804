"""Which steps of a view changed a text: done again, one step after the other, as the view was made."""

from collections.abc import Mapping
from pathlib import Path

from podium.errors import UserError
from podium.explain.artifact import root_of
from podium.explain.metadata import record
from podium.text.steps import apply, pipeline


def steps_of(view: Path, before: Mapping[str, str], after: Mapping[str, str]) -> list[str] | None:
    """Return the names of the steps that changed a row's texts, in their order.

    ``view`` is the view's table, ``before`` the texts that it was made of, ``after`` those in it. The steps are those
    of Snakemake's record of the table. None where there is no record, or the steps do not give ``after``.
    """
    root = root_of(view)
    made = record(root, view.absolute().relative_to(root.absolute()).as_posix())
    if made is None or made.params is None or "steps" not in made.params:
        return [] if before == after else None
    steps = made.params["steps"]
    wordnet = next((root / name for name in made.inputs if name.endswith("/data.noun")), None)
    try:
        functions = pipeline(
            steps,
            language=made.params["language"],
            wordnet=wordnet.parents[2] if wordnet else None,
        )
        texts, changed = dict(before), []
        for step, function in zip(steps, functions, strict=False):
            done = {name: apply([function], [text])[0] for name, text in texts.items()}
            if done != texts:
                changed.append(str(step["step"]))
            texts = done
    except (UserError, OSError):
        return None
    return changed if texts == dict(after) else None

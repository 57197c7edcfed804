"""Text views: named lists of normalisation steps, applied to every text in the order the user gives.

``podium.text.steps`` knows the steps, ``podium.text.views`` applies them to a table in memory, ``podium.text.stream``
to a file of any length, ``podium.text.changes`` shows what each did.
"""

from podium.text.changes import write_changes
from podium.text.steps import STEP_NAMES
from podium.text.stream import write_view
from podium.text.views import normalise

__all__ = ["STEP_NAMES", "normalise", "write_changes", "write_view"]

"""Two runs side by side: config, scores with their paired errors, decisions, files, time (docs/compare.md).

``compare`` reads two folders of results and returns plain values; ``text`` is what a person reads of them.
"""

from podium.compare.report import text
from podium.compare.whole import Comparison, compare

__all__ = ["Comparison", "compare", "text"]

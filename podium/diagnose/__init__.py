"""Likely causes of a low score: what a member does, set against what is usual.

``diagnose`` reads the config and the data, and what a run left in results/; docs/diagnose.md explains each cause. A
cause is one function in a module ``causes_*``, named in ``report.CAUSES``.
"""

from podium.diagnose.finding import Finding
from podium.diagnose.report import Diagnosis, diagnose, plain, text

__all__ = ["Diagnosis", "Finding", "diagnose", "plain", "text"]

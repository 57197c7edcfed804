"""What would stop a run or slow it down, looked for before it starts (docs/doctor.md), and what it will take.

A check is a function that yields :class:`~podium.doctor.check.Check`; ``report.examine`` runs them all.
"""

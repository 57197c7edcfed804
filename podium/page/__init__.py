"""The page that a run ends with: ``results/report/index.html``, one file that opens without a network.

First the figures of each task are gathered from the run's files (``facts``), a JSON that programs can read, too; then
they are written as HTML with drawings in SVG (``write``). Nothing but records of time, and the check against a
hold-out where there is one, is read at the second step.
"""

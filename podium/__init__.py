"""Podium: text competitions from raw files to ``submission.csv``.

The library behind the workflow. It is imported from beside the Snakefile, is typed and
tested without Snakemake, and never imports it.
"""

"""Measure how fast this machine multiplies matrices, for the page's share of the peak (docs/report.md)."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from podium.files import write_json

HELP = "measure the machine's matrix products for the report's page; takes seconds"


def options(parser: ArgumentParser) -> None:
    """Where the figure goes, and what it is of."""
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("results/benchmarks/peak.json"),
        help="the file to write (%(default)s)",
    )
    parser.add_argument(
        "--threads", type=int, default=2, help="CPU threads, as the models have them (%(default)s)"
    )


def run(given: Namespace) -> int:
    """Measure, write and print."""
    from podium.peak import measure  # with PyTorch, which the other commands do without

    found = measure(given.threads)
    write_json(found, given.out)
    print(f"{found['operations_per_second'] / 1e9:.1f} GFLOP/s ({found['device']}) -> {given.out}")
    return 0

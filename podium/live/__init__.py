"""A run while it runs, seen from another terminal: ``python -m podium watch`` (docs/watch.md)."""

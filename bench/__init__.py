"""Measurements that the project quotes: ``python -m bench.NAME [--quick] [--json FILE]``."""

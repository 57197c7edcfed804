"""Where an artifact of a run came from, and what happened to a row (docs/explain.md)."""

"""One training job in several processes, each with a device of its own and a part of every batch."""

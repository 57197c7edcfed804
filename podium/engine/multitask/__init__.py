"""One network for several tasks: what of the training engine is different there."""

"""Stage adversarial: whether test is like train, and whether the cross-validated score can be trusted."""

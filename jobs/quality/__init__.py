"""One-pass profiles of a run: what the quality gates look at, as tiny pandas frames."""

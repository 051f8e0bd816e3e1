"""The raw partitions under `--input`: which files there are, and their lines as typed Arrow batches."""

"""From sufficient statistics to the rows of `metric_values`: which rows there are, and what each may say.

Tiny pandas frames in and out; no Spark, no IO. The rules are those of `docs/rows.md`.
"""

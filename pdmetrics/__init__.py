"""What a notebook imports: the published marts as DataFrames, read-only and without an engine."""

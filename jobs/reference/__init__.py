"""The input's small CSVs: what they hold, what makes them valid, how they are read."""

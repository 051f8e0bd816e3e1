"""Run transforms and collect the tiny tables of sufficient statistics, all as-of dates at once."""

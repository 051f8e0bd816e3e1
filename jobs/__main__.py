"""`python -m jobs` is `pdmetrics`."""

from jobs.cli import main

main()

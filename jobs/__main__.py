"""`pdmetrics`, and `python -m jobs`.

The command line is imported when it is called: worker processes import this module again, and need none of it.
"""


def main() -> None:
    """Run the command line."""
    from jobs.cli import main as run

    run()


if __name__ == "__main__":
    main()

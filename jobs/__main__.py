"""`pdmetrics`, `python -m jobs`, and the application that spark-submit runs.

The command line is imported when it is called: worker processes import this module again, and need none of it.
"""

import sys
from pathlib import Path


def main() -> None:
    """Run the command line."""
    # Run by its path, as spark-submit does, its folder leads the path, and modules of ours would hide others' names.
    here = Path(__file__).resolve().parent
    sys.path[:] = [place for place in sys.path if not place or Path(place).resolve() != here]
    from jobs.cli import main as run

    run()


if __name__ == "__main__":
    main()

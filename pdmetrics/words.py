"""How numbers, their intervals and changes are written: in notebooks as in the report."""

from jobs.words import change, interval, number, sampled

__all__ = ["change", "interval", "number", "sampled"]

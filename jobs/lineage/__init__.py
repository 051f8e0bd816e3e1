"""Events of OpenLineage: which step of which run read what, wrote what, and how it ended."""

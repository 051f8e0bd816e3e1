"""Which sampling unit and rate answers the questions, at what cost."""

"""The quality gates: suites of Great Expectations over profiles, dated thresholds, and the decision."""

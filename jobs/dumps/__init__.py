"""Public dumps of mediawiki_history: which files there are, and the revisions in them."""

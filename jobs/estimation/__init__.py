"""Pure numpy and scipy on tiny tables: what can be said about a number under sampling."""

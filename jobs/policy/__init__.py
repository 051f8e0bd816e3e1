"""The sampling policy: its timeline, what is wrong with it, how records become it."""

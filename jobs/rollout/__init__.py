"""Is a wiki's rollout as it was declared: the card of `verify-rollout`, its evidence and its judgement."""

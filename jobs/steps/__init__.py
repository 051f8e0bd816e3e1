"""What `run --steps` and the scheduler call, step by step, and what each works with."""

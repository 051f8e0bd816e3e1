"""One module a command: it wires, prints and does nothing else."""

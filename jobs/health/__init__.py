"""What `doctor` looks at: this machine and its installation, and the warehouse."""

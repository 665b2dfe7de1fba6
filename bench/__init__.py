"""What is measured, against whom. ``bin/bench pipeline [--json] [--quick]``."""

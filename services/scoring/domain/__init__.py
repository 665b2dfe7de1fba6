"""The rules of scoring, pure: no await, no clock, no I/O."""

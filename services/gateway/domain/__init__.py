"""Pure rules of the node: no await, no clock, no I/O."""

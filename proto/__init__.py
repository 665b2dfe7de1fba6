"""The wire contract of Yizhan 驿站: what travels, how it is addressed and what it may weigh. No I/O."""

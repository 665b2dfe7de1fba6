"""The services of Yizhan."""

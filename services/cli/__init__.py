"""The `yizhan` command line."""

"""Who may sign what: the trust core, pure (bytes in, verified objects out)."""

"""Message to domain to store."""

"""One machine's network: making it, bringing it up, sending its sample day."""

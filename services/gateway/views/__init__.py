"""HTTP: requests to domain, store and handlers."""

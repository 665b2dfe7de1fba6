"""HTTP for services."""

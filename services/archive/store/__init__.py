"""Named SQL to domain types."""

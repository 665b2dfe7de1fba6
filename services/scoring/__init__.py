"""Scoring 计分: decisions become points in an append-only ledger, by rules that are data."""

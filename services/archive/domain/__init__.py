"""The archive's pure rules: from bytes to rows, from a query to lexemes, from envelopes to a trail."""

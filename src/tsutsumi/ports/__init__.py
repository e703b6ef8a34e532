"""The outside as protocols; the paper twins ship with it."""

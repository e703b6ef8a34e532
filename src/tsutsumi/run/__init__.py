"""Load, close, save: the only clock and the only processes."""

"""A plausible house, built from seeds and from real prices."""

"""Tsutsumi (包み): software that runs a discretionary wrap business, exact to the yen."""

__version__ = "0.1.0"

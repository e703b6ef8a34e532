"""Benchmarks that come with the product: `tsutsumi bench`."""

"""Benchmarks: how fast the console is, as ratios against a peer measured in the same run."""

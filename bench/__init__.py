"""Measures Medel with ten thousand projects in thirteen municipalities: `make bench` (docs/performance.md).

Nothing is asserted here. Every figure stands beside a yardstick taken in the same run, since machines differ.
"""

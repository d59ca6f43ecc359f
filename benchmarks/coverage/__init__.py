"""Every text architecture of transformers, traced and compared with itself: `python -m benchmarks.coverage`.

A tiny random model of each architecture is built and traced, and every head is held against the model's own maps, got
in a way that shares no code with the capture. The result is a table, docs/coverage.md.
"""

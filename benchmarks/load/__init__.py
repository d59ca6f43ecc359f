"""How the server fares with many people at once: `python -m benchmarks.load`."""

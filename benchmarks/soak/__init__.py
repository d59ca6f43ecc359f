"""Whether the server's memory stays flat while people come and go for an hour: `python -m benchmarks.soak`."""

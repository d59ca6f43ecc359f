"""What the inspect page costs in a real browser: see `__main__`."""

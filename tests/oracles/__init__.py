"""What the browser's code is held against: the same, written in Python a second time."""

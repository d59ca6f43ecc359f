"""The lessons' check questions, answered a second time and in another way."""

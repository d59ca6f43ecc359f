"""Lessons: Markdown with live figures, as checked records."""

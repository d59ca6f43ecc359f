"""Trace → numbers: one row's arithmetic, thumbnails of all heads, what a head does on average."""

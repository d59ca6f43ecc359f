"""What the page's components are given, as bytes: made from a trace and a view, the same for a page and for a file."""

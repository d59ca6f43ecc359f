"""Build: one attention layer, step by step, from a sentence to the output; every number of it can be turned."""

from attention.ui import build, nav

nav.bar("Build")
build.draw()

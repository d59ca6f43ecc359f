"""Models: what comes with Headlight, what the hub offers, what lies on this machine, and how to bring one's own."""

from attention.ui import library, nav, state

nav.bar("Models")
library.draw()
state.sync()

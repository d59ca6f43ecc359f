"""Compare: two texts, heads, layers or models side by side, and what differs between them."""

from attention.ui import compare, nav, state

nav.bar(state.COMPARE)
compare.show()
state.sync()

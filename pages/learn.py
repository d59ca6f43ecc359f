"""Learn: multi-head self-attention in steps, each with a figure that is live."""

from attention.ui import lesson, nav

nav.bar("Learn")
lesson.show()

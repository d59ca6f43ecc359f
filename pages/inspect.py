"""Inspect: type a sentence, choose a model, a layer and a head, and see the three panels with true numbers."""

from attention.ui import ask, head, nav, state, warmup

nav.bar("Inspect")
view = state.current()
facts = ask.draw(view)
if warmup.gate():
    head.workbench()
    head.facts_line(state.current(), facts)
state.sync()

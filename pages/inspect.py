"""Inspect: type a sentence, choose a model, a layer and a head, and see the three panels with true numbers."""

from attention.ui import nav, prompt_bar, state, warmup, workbench

nav.bar("Inspect")
view = state.current()
facts = prompt_bar.draw(view)
if warmup.gate():
    workbench.show()
    workbench.facts_line(state.current(), facts)
state.sync()

"""All that crosses to the browser, as bytes: made from a trace and a view, the same for a page and for a file.

`codec` packs trees of numbers. `heads` is what a head is made of there, `tiles` what stands for the maps of a long
text, `store` the run and the look of a page; the others are what single components are given.
"""

"""Headlight's app: `streamlit run app.py`. Navigation over `attention.ui.nav`, nothing else."""

import streamlit as st

from attention.assets import ASSETS
from attention.ui import boundary, nav, settings, turns, uploads, warmup

boundary.install()
uploads.install()
turns.install()
problem = settings.start()
warmup.start()
st.set_page_config(page_title="Headlight", page_icon=str(ASSETS / "icon.svg"), layout="wide")
page = st.navigation(nav.pages(), position="hidden")
nav.style()
if problem:
    st.text(problem)
else:
    page.run()

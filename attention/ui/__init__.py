"""Streamlit's side of Headlight: session state, caching, navigation, widgets and components."""

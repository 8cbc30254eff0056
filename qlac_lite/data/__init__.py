"""Datasets: flat rows and the chunks cut from them, the online replay, files, and where they come from."""

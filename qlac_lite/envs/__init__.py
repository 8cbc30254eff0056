"""Simulators: a module per suite, chosen in `make`, and the chunked MDP as a wrapper.

Only the lite world imports JAX, so that simulators' processes stay small.
"""

"""The checks that the lessons call, one module a lesson; `base.py` says how a check works."""

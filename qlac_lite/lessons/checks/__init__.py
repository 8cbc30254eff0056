"""The checks that the lessons call, one module a lesson; `exercise.py` says how a check works."""

"""Q-learning with action chunking: the shared library of the course."""

__version__ = "0.1.0"
# What the learners compute: 1 until they were made equal to the published code (docs/fidelity.md), 2 since.
# A change that can change a recorded result raises it; every record names the version that made it.
LEARNERS = 2

"""What the notebooks call."""

from qlac_lite.lessons.by_seed import experiment
from qlac_lite.lessons.notebook import run_folder, set_up, shorten, show

__all__ = ["experiment", "run_folder", "set_up", "shorten", "show"]

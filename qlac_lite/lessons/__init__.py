"""What the notebooks call: their set-up, sliders, drawings, tabular MDPs, a small world, and the checks."""

from qlac_lite.lessons.notebook import run_folder, set_up, shorten, show

__all__ = ["run_folder", "set_up", "shorten", "show"]

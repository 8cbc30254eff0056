"""What the notebooks call."""

from qlac_lite.lessons.notebook import run_folder, set_up, shorten, show

__all__ = ["run_folder", "set_up", "shorten", "show"]

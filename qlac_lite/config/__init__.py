"""What a run may be."""

from qlac_lite.config.methods import METHODS, get_method
from qlac_lite.config.presets import make_config
from qlac_lite.config.run import Config
from qlac_lite.config.tasks import DOMAINS, get_task

__all__ = ["DOMAINS", "METHODS", "Config", "get_method", "get_task", "make_config"]

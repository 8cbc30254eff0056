"""The data of each suite, a module with these names:

SUFFIX      of its files
HOSTS       addresses of its official files, by what the host is called
HOME        folder where the suite's own tools put them, and
LAYOUT      path of one in there; both only where there are HOSTS
STAND_INS   what is generated where an official file cannot be had
label(content, task, stride, offline_reward)      the content that `data.load.read` gives, as a Dataset
states(content, episode)   those of the simulator, row by row, for `show` of the suite in `envs/`
generate(domain, episodes, seed, path, workers)   writes a file
"""

from importlib import import_module
from types import ModuleType

from qlac_lite.config.tasks import Domain

SUITES = {
    "ogbench": "qlac_lite.data.suites.ogbench",
    "robomimic": "qlac_lite.data.suites.robomimic",
    "lite-world": "qlac_lite.data.suites.lite_play",
}


def suite_of(domain: Domain) -> ModuleType:
    """The module of the domain's suite."""
    return import_module(SUITES[domain.suite])

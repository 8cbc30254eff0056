"""The learners, as pure functions over a pytree.

`fql` (FQL, FQL-n, QC-FQL), `best_of_n` (BFN, BFN-n, QC), `rlpd` (RLPD, RLPD-AC, QC-RLPD) and `bc` (flow BC,
chunk flow BC). A method is a learner with settings, see `config.methods`.
"""

import pkgutil

from qlac_lite.agents.base import Learner, State
from qlac_lite.config import Config, get_method
from qlac_lite.utils.cores import devices

__all__ = ["Learner", "State", "make_learner"]


def make_learner(config: Config, observation_size: int, action_size: int) -> Learner:
    """The learner of `config.method`, for observations of size S and actions of size A.

    QlacError: JAX finds no device, or its environment has it compute otherwise than the library needs.
    """
    devices()  # JAX is as it has to be
    make = pkgutil.resolve_name(get_method(config.method).learner)
    learner = make(config, observation_size, action_size)
    return learner._replace(act=lambda *inputs: learner.act(*inputs)[:, : config.execution_length])

"""The learners, each a set of pure functions over a pytree.

`fql` (FQL, FQL-n, QC-FQL), `best_of_n` (BFN, BFN-n, QC), `rlpd` (RLPD, RLPD-AC, QC-RLPD) and `bc` (flow BC,
chunk flow BC). A method is a learner with settings, see `config.methods`.
"""

import pkgutil

from qlac_lite.agents import decoupled
from qlac_lite.agents.base import Learner, State
from qlac_lite.config import Config, get_method

__all__ = ["Learner", "State", "make_learner"]


def make_learner(config: Config, observation_size: int, action_size: int) -> Learner:
    """The learner of `config.method`, for observations of size S and actions of size A."""
    inputs = (config, observation_size, action_size)
    if config.chunk_length != config.critic_length:
        inputs += (decoupled.make_critics(*inputs),)
    learner = pkgutil.resolve_name(get_method(config.method).learner)(*inputs)
    if config.execution_length == config.chunk_length:
        return learner
    return learner._replace(act=lambda *inputs: learner.act(*inputs)[:, : config.execution_length])

"""A trained policy as a file of its own: the networks that act, about 100 kB for a lite policy.

qlac export RUN --seed N --out FILE     FILE (npz), and FILE.json with the provenance to read
"""

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from qlac_lite.agents import Learner, make_learner
from qlac_lite.agents.base import acting_over_seeds
from qlac_lite.config import Config, get_task
from qlac_lite.training.run_folder import Run, config_of, named_leaves
from qlac_lite.training.updates import Progress
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import one_writer, read_npz, write_json, write_npz

REMEDY = "Export it again with: qlac export RUN --out FILE"


def _learner(config: Config) -> Learner:
    domain = get_task(config.task).domain
    return make_learner(config, domain.observation_size, domain.action_size)


@dataclasses.dataclass(frozen=True)
class Policy:
    """One seed's policy."""

    config: Config
    seed: int
    about: dict[str, Any]  # run, phase, step, data, provenance
    params: Any  # leading axis of one seed

    @functools.cached_property
    def actor(self):
        """`agents.base.acting_over_seeds` of one seed, with the settings of `config`."""
        return acting_over_seeds(_learner(self.config))


def export_policy(run: Run, seed: int, path: Path) -> Policy:
    """Writes the policy of one seed of a run's newest checkpoint. Raises QlacError without such a seed."""
    config = run.config
    if seed not in config.seed_list:
        raise QlacError(f"{run.folder} has no seed {seed}; it has {list(config.seed_list)}.")
    (_, params), _, phase, step = load_policies(run)
    at = config.seed_list.index(seed)
    needed = {name: params[name] for name in _learner(config).acts_with}
    own = jax.tree.map(lambda leaf: leaf[at : at + 1], needed)
    about = dict(seed=seed, phase=phase, step=step) | run.about()
    with one_writer(path):  # else the two could tell of two policies
        write_npz(path, named_leaves(own) | {"about": np.array(json.dumps(about))})
        write_json(path.with_suffix(".json"), about)
        return load_policy(path)


def load_policy(path: Path) -> Policy:
    """Reads a policy file. Raises QlacError if it is damaged or of another version."""
    arrays = read_npz(path, REMEDY)
    try:
        about = json.loads(str(arrays["about"]))
        config = config_of(about["config"])
        learner = _learner(config)
        like = jax.eval_shape(learner.init, jax.random.key(0)).params
        needed = {name: like[name] for name in learner.acts_with}
        wanted = named_leaves(needed)
        leaves = [arrays[name] for name in wanted]
    except (KeyError, TypeError, ValueError) as error:
        raise QlacError(f"{path} does not hold a policy of this version ({error}). {REMEDY}") from None
    for (name, sized), leaf in zip(wanted.items(), leaves, strict=True):
        if leaf.shape != (1, *sized.shape) or not np.isfinite(leaf).all():
            raise QlacError(f"{path}: {name} is damaged or of another size. {REMEDY}")
    params = jax.tree.unflatten(jax.tree.structure(needed), leaves)
    return Policy(config, about["seed"], about, params)


def course_policy() -> Policy:
    """The library's own policy: cube-single task 1, an earlier headline's best QC-FQL seed."""
    return load_policy(Path(__file__).parents[1] / "assets" / "cube-single-qc-fql.npz")


def load_policies(run: Run) -> tuple[tuple[Any, Any], Config, str, int]:
    """The policies of the newest checkpoint: compiled actor and parameters, configuration, phase, step."""
    learner, keys = _learner(run.config), jax.random.split(jax.random.key(0), run.config.seeds)
    state = jax.eval_shape(jax.vmap(learner.init), keys)
    loaded, phase, step = run.load_checkpoint(Progress(state=state))
    return (acting_over_seeds(learner), loaded.state.params), run.config, phase, step

"""Episodes of play by OGBench's own scripted oracles, as the authors' data were made. Imports no JAX.

Source: the OGBench paper (arXiv 2410.20092), appendix on datasets.
"""

import functools
import zlib
from importlib import import_module
from pathlib import Path

import numpy as np

from qlac_lite.config.tasks import DOMAINS, Domain
from qlac_lite.envs import ogbench
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import write_npz

PRELOADED = ["qlac_lite.data.suites.ogbench_play", *ogbench.PRELOADED]
STEPS = 1001  # rows of an episode: 1000 transitions and the last observation
REACHABLE = np.array([[0.15, -0.45, -0.05], [0.70, 0.45, 0.45]])  # metres; a cube outside was flung away
TYPES = dict(terminals=bool, button_states=np.int64)  # the other arrays are float32


@functools.cache
def _play_env(name: str):
    """The environment and an oracle for each kind of target; made once a process."""
    env = ogbench.make_play_env(DOMAINS[name], STEPS)

    def oracle(kind: str, **options):
        module = import_module(f"ogbench.manipspace.oracles.plan.{kind}_plan")
        make = getattr(module, f"{kind.capitalize()}PlanOracle")
        return make(env=env, noise=0.1, noise_smoothing=0.5, **options)

    kinds = {"cube": ["cube"], "scen": ["cube", "drawer", "window"], "puzz": []}[name[:4]]
    oracles = {kind: oracle(kind) for kind in kinds}
    if name[:4] != "cube":
        oracles["button"] = oracle("button", gripper_always_closed=name.startswith("puzzle"))
    return env, oracles


def collect_episode(domain: Domain, seed: int, episode: int) -> dict[str, np.ndarray]:
    """One play episode, STEPS rows of each key of OGBench's layout.

    An oracle follows a plan with smoothed noise (0.1, smoothing 0.5) to one random target after the other.
    The probability of stacking is drawn once. A scene is drawn again if its cube leaves the reachable area,
    at most 100 times (then QlacError).
    """
    for attempt in range(100):
        entropy = np.random.SeedSequence([zlib.crc32(domain.dataset.encode()), seed, episode, attempt])
        rows = _collect(domain, *entropy.generate_state(3).tolist())
        cube = rows["qpos"][:, 14:17]
        scene = domain.cubes and domain.buttons
        if not scene or np.all((REACHABLE[0] <= cube) & (cube <= REACHABLE[1])):
            return rows
    raise QlacError(
        f"Episode {episode} of {domain.dataset} failed 100 times: the cube was flung away each time."
    )


def _collect(domain: Domain, env_seed: int, oracle_seed: int, stack_seed: int) -> dict[str, np.ndarray]:
    env, oracles = _play_env(domain.name)
    p_stack = np.random.default_rng(stack_seed).uniform(*domain.stacking)
    saved = np.random.get_state()
    np.random.seed(oracle_seed)  # the oracles draw from NumPy's global generator

    def begin(observation, info):
        oracle = oracles[info["privileged/target_task"]]
        oracle.reset(observation, info)
        return oracle

    try:
        rows: dict[str, list] = {}
        observation, info = env.reset(seed=env_seed)
        oracle, done = begin(observation, info), False
        while not done:
            action = np.clip(oracle.select_action(observation, info), -1, 1)
            after, _, _, done, info = env.step(action)
            row = dict(observations=observation, actions=action, terminals=done)
            row |= dict(qpos=info["prev_qpos"], qvel=info["prev_qvel"])
            if domain.buttons:
                row["button_states"] = info["prev_button_states"]
            for key, value in row.items():
                rows.setdefault(key, []).append(value)
            observation = after
            if oracle.done:
                observation, info = env.unwrapped.set_new_target(p_stack=p_stack)
                oracle = begin(observation, info)
    finally:
        np.random.set_state(saved)
    return {key: np.asarray(values).astype(TYPES.get(key, np.float32)) for key, values in rows.items()}


def write_episode(domain: Domain, seed: int, episode: int, path: Path) -> None:
    """`collect_episode`, into a file of its own."""
    write_npz(path, collect_episode(domain, seed, episode))

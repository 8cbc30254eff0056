"""Episodes of play by OGBench's own scripted oracles, as the authors' data were made. Imports no JAX.

Source: the OGBench paper (arXiv 2410.20092), appendix on datasets.
"""

import zlib
from importlib import import_module
from pathlib import Path

import numpy as np

from qlac_lite.config.tasks import Domain
from qlac_lite.envs import ogbench
from qlac_lite.utils.errors import QlacError
from qlac_lite.utils.files import write_npz

STEPS = 1001  # rows of an episode: 1000 transitions and the last observation
REACHABLE = np.array([[0.15, -0.45, -0.05], [0.70, 0.45, 0.45]])  # metres; a cube outside was flung away
TYPES = dict(terminals=bool, button_states=np.int64)  # the other arrays are float32
_MADE = {}  # what _make_play_env made, once a process and domain


def _make_play_env(domain: Domain):
    """The environment, and an oracle for each kind of target."""
    env, suite = ogbench.make_play_env(domain, STEPS), domain.name.split("-")[0]
    kinds = {"cube": ["cube"], "scene": ["cube", "button", "drawer", "window"], "puzzle": ["button"]}[suite]

    def oracle(kind: str):
        module = import_module(f"ogbench.manipspace.oracles.plan.{kind}_plan")
        options = {"gripper_always_closed": suite == "puzzle"} if kind == "button" else {}
        make = getattr(module, f"{kind.capitalize()}PlanOracle")
        return make(env=env, noise=0.1, noise_smoothing=0.5, **options)

    return env, {kind: oracle(kind) for kind in kinds}


def collect_episode(domain: Domain, seed: int, episode: int) -> dict[str, np.ndarray]:
    """One play episode, STEPS rows of each key of OGBench's layout.

    An oracle follows a plan with smoothed noise (0.1, smoothing 0.5) to one random target after the other.
    The probability of stacking is drawn once. A scene is drawn again if its cube leaves the reachable area,
    at most 100 times (then QlacError).
    """
    for attempt in range(100):
        entropy = np.random.SeedSequence([zlib.crc32(domain.dataset.encode()), seed, episode, attempt])
        rows = _collect(domain, *entropy.generate_state(3).tolist())
        cube, scene = rows["qpos"][:, 14:17], domain.cubes and domain.buttons
        if not scene or np.all((REACHABLE[0] <= cube) & (cube <= REACHABLE[1])):
            return rows
    raise QlacError(f"The cube was flung away in 100 attempts at episode {episode} of {domain.dataset}.")


def _collect(domain: Domain, env_seed: int, oracle_seed: int, stack_seed: int) -> dict[str, np.ndarray]:
    if domain.name not in _MADE:
        _MADE[domain.name] = _make_play_env(domain)
    env, oracles = _MADE[domain.name]
    states = ["qpos", "qvel", *["button_states"] * (domain.buttons > 0)]
    p_stack = np.random.default_rng(stack_seed).uniform(*domain.stacking)
    saved = np.random.get_state()
    np.random.seed(oracle_seed)  # the oracles draw from NumPy's global generator
    try:
        rows, done, aimed, (observation, info) = [], False, False, env.reset(seed=env_seed)
        while not done:
            if not aimed:
                oracle = oracles[info["privileged/target_task"]]
                oracle.reset(observation, info)
            action = np.clip(oracle.select_action(observation, info), -1, 1)
            row = dict(observations=observation, actions=action)
            observation, _, _, done, info = env.step(action)
            rows.append(row | {"terminals": done} | {key: info[f"prev_{key}"] for key in states})
            aimed = not oracle.done
            if not aimed:
                observation, info = env.unwrapped.set_new_target(p_stack=p_stack)
    finally:
        np.random.set_state(saved)
    return {key: np.array([row[key] for row in rows], TYPES.get(key, np.float32)) for key in rows[0]}


def write_episode(domain: Domain, seed: int, episode: int, path: Path) -> None:
    """`collect_episode`, into a file of its own."""
    write_npz(path, collect_episode(domain, seed, episode))

"""Tabular MDPs, chunked MDPs, their solutions and episodes, and the lessons' worlds."""

# ruff: noqa: F401

from qlac_lite.lessons.mdp.episodes import Trajectories, Windows, simulate, windows
from qlac_lite.lessons.mdp.solve import backup, greedy, n_step_backup, optimal_q, policy_q
from qlac_lite.lessons.mdp.tables import (
    MAX_ENTRIES,
    TabularMDP,
    action_sequences,
    check_mdp,
    chunk_rewards,
    chunk_transitions,
    chunked,
    observed_chunked,
)
from qlac_lite.lessons.mdp.worlds import MOVES, chain, grid

"""Figures of lesson 04: what agents of `two_peaks` believe, and what they earn. Each with its text.

Shapes: M chunks, R seeds, T points of a curve; a chunk is (2, 1).
"""

from collections.abc import Mapping, Sequence

import jax
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qlac_lite.lessons import two_peaks as world
from qlac_lite.lessons.drawings import CRITIC, FLOW, POLICY
from qlac_lite.lessons.notebook import shorten
from qlac_lite.reports import plots
from qlac_lite.utils.statistics import difference

TRUE, BELIEVED = POLICY, CRITIC  # what the policy earns, what the critic believes
VARIANTS = ({"colour": "0.45"}, {"colour": "#CC79A7"}, {"colour": "#56B4E9", "line": "--"})  # healthy first
SEED = shorten(4, fast=1)  # the seed whose plane is drawn: at alpha 3 it earns about the mean
Drawn = tuple[Figure, str]


def world_and_critic(found: world.Fit) -> Drawn:
    """The true reward with the data, and beside it what a critic believes that learned from them."""
    figure, (left, right) = plots.new_figure(2, width=3.4, height=3.2)
    _plane(left, world.true_reward(_grid()), world.data_of(SEED), "true reward, and the data", "0.3")
    _plane(right, world.believed(found.one(SEED), _grid()), (), "what the critic believes")
    left.set_ylabel("second action")
    figure.colorbar(right.images[0], ax=right, label="reward", shrink=0.9)
    text = (
        "Two squares of chunks, first action against second. Left, the true reward: a small peak of 0.8 on "
        "the upper left and one of 1 on the lower right. The recorded chunks form two clouds, each beside a "
        "peak. Right, the critic's belief: right at the clouds, but it promises high rewards far into both "
        "corners."
    )
    return figure, text


def three_agents(by_alpha: Mapping[float, world.Fit]) -> Drawn:
    """Where agents of three alphas act, on the critic's belief, with what they earn and believe."""
    figure, panels = plots.new_figure(3, width=3.1, height=3.3)
    titles = ("follows the critic alone", "follows both", "imitates")
    for axes, title, alpha in zip(panels, titles, (0.0, 3.0, 100.0), strict=True):
        _agent(axes, by_alpha[alpha], title)
    panels[0].set_ylabel("second action")
    text = (
        "Three squares of chunks, coloured by the critic's belief, with the chunks of an agent as dots. The "
        "one that follows the critic alone sits at a point of the border. The one that follows both lies on "
        "a thin line from peak to peak, and a little beyond them. The one that imitates covers both clouds "
        "and the bridge between them."
    )
    return figure, text


def alpha_sweep(by_alpha: Mapping[float, world.Fit], marked: float = 3.0) -> Drawn:
    """True and believed reward against alpha, and the chunks of one of them."""
    figure, (left, right) = plots.new_figure(2, width=4.4, height=3.3)
    places = np.arange(len(by_alpha))
    for name, colour, marker, line in (("believed", BELIEVED, "s", "--"), ("true", TRUE, "o", "-")):
        values = np.stack([found.last(name) for found in by_alpha.values()], axis=1)
        plots.band(left, places, values, name, colour, marker, line)
    flow = np.mean([found.last("flow's true").mean() for found in by_alpha.values()])
    seeds = range(len(by_alpha[marked].last("true")))
    data = np.mean([world.true_reward(world.data_of(seed)).mean() for seed in seeds])
    left.axhline(data, color="0.2", linestyle="-.", linewidth=1, label="the data, true")
    left.axhline(flow, color="0.4", linestyle=":", label="its flow, true")
    left.axvline(list(by_alpha).index(marked), color="0.88", linewidth=8, zorder=0)
    left.set_xticks(places, [f"{alpha:g}" for alpha in by_alpha])
    left.set(xlabel="α, the weight of imitation", ylabel="mean reward of the agent's chunks")
    left.legend(fontsize=8)
    _agent(right, by_alpha[marked], f"α = {marked:g}, one seed")
    right.set_ylabel("second action")
    text = (
        "Left, mean true and believed reward against alpha. At alpha 0 the belief is above the largest "
        "reward there is, and the truth is about 0. At 3 the truth is highest, a little above that of the "
        "data; at 10 it is between data and flow. At 100 both are near the flow. Right, the chunks for "
        f"alpha {marked:g}."
    )
    return figure, text


def table(by_alpha: Mapping[float, world.Fit]) -> str:
    """What agents of several alphas believe and earn, with their flow and their data beside them."""
    data = [world.data_of(seed) for seed in range(len(by_alpha[0.0].last("true")))]
    earn = np.array([world.true_reward(chunks).mean() for chunks in data])
    rows = [f"{'':11}believes   earns   less the data [95 %]   on the bridge"]

    def row(name, believed, true, bridge):
        mean, low, high = difference(true, earn)
        less = f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]" if np.any(true != earn) else ""
        rows.append(f"{name:11}{believed:>8}{true.mean():8.2f}   {less:20}{np.mean(bridge):13.0%}")

    for alpha, found in by_alpha.items():
        last = found.last
        row(f"α = {alpha:g}", f"{last('believed').mean():.2f}", last("true"), last("bridge"))
    row("its flow", "", last("flow's true"), last("flow's bridge"))
    row("the data", "", earn, [world.on_bridge(chunks).mean() for chunks in data])
    return "\n".join(rows)


def _agent(axes: Axes, found: world.Fit, title: str) -> None:
    chunks = world.act(found.one(SEED), jax.random.key(7))
    earned, hoped = (found.last(name)[SEED] for name in ("true", "believed"))
    title = f"{title}\nearns {earned:.2f}, believes {hoped:.2f}"
    _plane(axes, world.believed(found.one(SEED), _grid()), chunks, title)


def learning(fits: Mapping[str, world.Fit]) -> Drawn:
    """True and believed reward while agents learn, one panel each."""
    figure, panels = plots.new_figure(len(fits), width=3.6, height=3.0)
    for axes, (title, found) in zip(panels, fits.items(), strict=True):
        plots.band(axes, found.steps, found.curves["believed"], "believed", BELIEVED, line="--")
        plots.band(axes, found.steps, found.curves["true"], "true", TRUE)
        axes.axhline(world.BEST, color="0.3", linewidth=1, linestyle=":", label="largest reward")
        axes.set(title=title, xlabel="training steps", ylim=(-0.2, 1.8))
    panels[0].set_ylabel("mean reward of the agent's chunks")
    panels[-1].legend(fontsize=8, loc="upper left")
    text = (
        "Believed and true reward over training, for alpha 0 and alpha 3. With alpha 0 the belief climbs "
        "above the largest reward, a dotted line, while the truth falls to 0. With alpha 3 both rise, and "
        "the belief ends a little above the truth."
    )
    return figure, text


def leaks(fits: Mapping[str, world.Fit]) -> Drawn:
    """The log of a healthy learner, and of two with a leak: X into the flow, Y into the critic."""
    text = (
        "Four curves of a log, for a healthy learner, X and Y. The belief of Y climbs to hundreds, and it "
        "earns nothing. X believes twice as much as the healthy one and earns less. Its distillation loss is "
        "the lowest of all, and its flow BC loss the highest; that of Y is the healthy one's."
    )
    return _symptoms(fits), text


def patient(fits: Mapping[str, world.Fit]) -> Drawn:
    """The log of a healthy learner and of the patient."""
    text = (
        "Four curves of a log. The patient believes and earns far less than the healthy learner. Its "
        "distillation loss and its flow BC loss are far higher."
    )
    return _symptoms(fits), text


def _symptoms(fits: Mapping[str, world.Fit]) -> Figure:
    figure, panels = plots.new_figure(4, width=2.75, height=2.9)
    names = {
        "believed": "believed reward",
        "true": "true reward",
        "distill": "distillation loss",
        "flow": "flow BC loss",
    }
    for axes, (name, title) in zip(panels, names.items(), strict=True):
        for (label, found), look in zip(fits.items(), VARIANTS, strict=False):
            plots.band(axes, found.steps, found.curves[name], label, **look)
        axes.set(title=title, xlabel="training steps")
    panels[0].axhline(world.BEST, color="0.3", linewidth=1, linestyle=":")
    if max(found.curves["believed"].max() for found in fits.values()) > 10:
        panels[0].set_yscale("symlog", linthresh=1)
        panels[0].set(ylim=(-0.3, 2000))
        panels[0].set_yticks([0, 1, 10, 100, 1000], ["0", "1", "10", "100", "1000"])
    panels[1].set_ylim(bottom=-0.02)
    panels[0].legend(fontsize=8)
    return figure


def patients_flow(fits: Mapping[str, world.Fit]) -> Drawn:
    """Chunks of flow and policy of a healthy learner and of the patient."""
    text = (
        "Chunks of flow and policy on the critic's belief. The healthy flow covers both clouds, its policy "
        "lies near the peaks. The patient's flow has left the data for a place of low belief."
    )
    return _flows(fits), text


def mended_flow(fits: Mapping[str, world.Fit]) -> Drawn:
    """The same for the patient and the mended learner."""
    text = "Chunks of the patient, and of the mended learner, whose flow covers both clouds again."
    return _flows(fits), text


def _flows(fits: Mapping[str, world.Fit]) -> Figure:
    """Chunks of the flow and of the policy of each learner, on its critic's belief."""
    figure, panels = plots.new_figure(len(fits), width=3.3, height=3.2)
    for axes, (title, found) in zip(panels, fits.items(), strict=True):
        _plane(axes, world.believed(found.one(SEED), _grid()), (), title)
        for how, colour, marker in (("flow", FLOW, "o"), ("policy", POLICY, ".")):
            chunks = np.asarray(world.act(found.one(SEED), jax.random.key(7), how))
            size = dict(markersize=4, alpha=0.75, label=f"the {how}'s chunks", linestyle="")
            axes.plot(*chunks[..., 0].T, marker, color=colour, **size)
    panels[0].set_ylabel("second action")
    panels[0].legend(fontsize=8, loc="upper right")
    return figure


def best_of_many(counts: Sequence[int], scores: np.ndarray, chosen: Mapping[int, tuple]) -> Drawn:
    """True and believed reward (R, counts, 2) against N; for some N, the critic and the chosen chunks."""
    figure, panels = plots.new_figure(1 + len(chosen), width=3.3, height=3.2)
    plots.band(panels[0], np.asarray(counts), scores[..., 1], "believed", BELIEVED, "s", "--")
    plots.band(panels[0], np.asarray(counts), scores[..., 0], "true", TRUE, "o")
    panels[0].set(xlabel="N", xscale="log", ylabel="mean reward of the chosen chunks")
    panels[0].set_xticks(counts, counts)
    panels[0].minorticks_off()
    panels[0].legend(fontsize=8)
    for axes, (count, (params, chunks)) in zip(panels[1:], chosen.items(), strict=True):
        _plane(axes, world.believed(params, _grid()), chunks, f"best of {count}", FLOW)
    text = (
        "Left, mean true and believed reward of the best of N. They rise together at first. Then the truth "
        "falls while the belief goes on rising. The squares show the chosen chunks, on the critic's belief: "
        "with few candidates they are spread over the data, with 256 they crowd in the corner, "
        "beyond the peak."
    )
    return figure, text


def _grid() -> np.ndarray:
    """Chunks (61 * 61, 2, 1) all over the square."""
    axis = np.linspace(-1, 1, 61)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2, 1)


def _plane(axes: Axes, values, chunks, title: str, colour: str = POLICY) -> None:
    """A reward over the square as shades of orange, chunks as dots, crosses at the true peaks."""
    picture = np.asarray(values).reshape(61, 61)
    axes.imshow(picture, origin="lower", extent=(-1, 1, -1, 1), vmin=0, vmax=1.2, cmap="Oranges")
    if len(chunks):
        dots = np.asarray(chunks)[..., 0].T
        axes.plot(*dots, ".", color=colour, markersize=5, alpha=0.7, clip_on=False, zorder=3)
        if dots.std(axis=1).max() < 0.05:  # all at one point, which is easily overlooked
            look = dict(markersize=16, markeredgewidth=2, fillstyle="none", color=colour, clip_on=False)
            axes.plot(*dots.mean(axis=1), "o", **look)
    axes.plot(*world.PEAKS.T, "x", color="white", markersize=9, markeredgewidth=3.5)
    axes.plot(*world.PEAKS.T, "x", color="0.1", markersize=8, markeredgewidth=1.5)
    axes.set(title=title, xlabel="first action", xlim=(-1.03, 1.03), ylim=(-1.03, 1.03))
    axes.title.set_fontsize(10)
    axes.grid(False)

"""`make bench`: speed as ratios measured in one run, never in a timed test.

The compiled loop of `training/loop.py` stands against the published pattern: one jitted update per Python
call, with the batch sampled by NumPy on the host. Both do the same updates on the same data; short rounds
alternate, and the median of their ratios counts. Rates in updates/s are summed over the seeds of a program.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

TASK = "cube-single-play-singletask-task1-v0"


def main(
    size: Annotated[list[str] | None, typer.Option(help="lite, paper; both by default.")] = None,
    method: Annotated[
        list[str] | None, typer.Option(help="Methods; fql and qc-fql by default, on a GPU qc (N = 32) too.")
    ] = None,
    seeds: Annotated[
        list[int] | None, typer.Option(help="Seeds in one program; 1 and 8 by default, on a GPU 4 too.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any field of `qlac train`, such as sampling_precision=bfloat16."),
    ] = None,
    seconds: Annotated[float, typer.Option(help="Time for each side of a comparison.")] = 6.0,
    environments: Annotated[bool, typer.Option(help="Also simulators and data generation.")] = True,
    out: Annotated[Path | None, typer.Option(help="Write the numbers here as JSON.")] = None,
) -> None:
    """Measures updates, matrix products, simulators and data generation on this machine."""
    import jax

    from qlac_lite.config.presets import parse_settings
    from qlac_lite.utils.cores import use_cores
    from qlac_lite.utils.files import write_json
    from qlac_lite.utils.provenance import provenance

    use_cores()
    on_gpu = jax.default_backend() != "cpu"
    changes = parse_settings(setting or [])
    results = {"provenance": provenance("python tools/bench.py"), "updates": []}
    print(
        f"{'size':6} {'method':8} {'seeds':>5} {'one a call/s':>13} {'compiled/s':>11} {'ratio':>6} "
        f"{'GFLOP/update':>13} {'of matmul':>10} {'MiB used':>9}"
    )
    for size_name in size or ("lite", "paper"):
        for method_name in method or ("fql", "qc-fql", *(["qc"] if on_gpu else [])):
            for count in seeds or ((1, 4, 8) if on_gpu else (1, 8)):
                row = compare_updates(size_name, method_name, count, seconds, **changes)
                results["updates"].append(row)
                if out is not None:
                    write_json(out, results)  # after each row: a call may be cut off
                print(
                    (
                        f"{size_name:6} {method_name:8} {count:5} {row['one_call_per_second']:13.1f} "
                        f"{row['compiled_per_second']:11.1f} {row['ratio']:6.2f} "
                        f"{row['gflop_per_update']:13.2f} {row['share_of_matmul']:10.0%} "
                        f"{row['memory_mib'] or '':9}"
                    ),
                    flush=True,
                )
    if environments:
        results["simulators"] = simulator_rates()
        for name, rate in results["simulators"].items():
            print(f"{name}: {rate:.0f} steps/s")
    if out is not None:
        write_json(out, results)
        print(f"Written to {out}")


def matrix_product(n: int = 2048) -> tuple[Callable[[int], None], float]:
    """Work that multiplies float32 matrices (n, n) x (n, n) `count` times, and the FLOPs of one product."""
    import jax

    a = jax.random.normal(jax.random.key(0), (n, n))
    product = jax.jit(lambda a: a @ a)
    return lambda count: jax.block_until_ready([product(a) for _ in range(count)]), 2.0 * n**3


def _memory_used() -> int | None:
    """MiB of the accelerator's memory that have been in use at most, so far in this process;
    None on a CPU, which does not tell."""
    import jax

    stats = jax.local_devices()[0].memory_stats()
    return round(stats["peak_bytes_in_use"] / 2**20) if stats else None


def _dataset(rows: int = 100_100):
    from qlac_lite.data.dataset import build_dataset

    rng = np.random.default_rng(0)
    ends = np.arange(rows) % 1001 == 1000
    ends[-1] = True
    observations, actions = rng.normal(size=(rows, 28)), rng.uniform(-1, 1, (rows, 5))
    return build_dataset(observations, actions, -np.ones(rows), np.ones(rows), ends)


def compare_updates(size: str, method: str, seeds: int, seconds: float, **changes) -> dict:
    """Both sides of the comparison for one configuration;
    rates in updates/s, summed over seeds on the compiled side."""
    import jax

    from qlac_lite.config import get_task, make_config
    from qlac_lite.training.updates import Engine

    config = make_config(
        TASK, method, "full" if size == "paper" else "lite", **{"seeds": seeds, "online_steps": 0, **changes}
    )
    dataset = _dataset()
    engine = Engine(config, dataset, 28, 5)
    progress = engine.start(0, get_task(TASK))
    state = jax.tree.map(lambda leaf: np.asarray(leaf)[0], progress.state)
    one_update = jax.jit(engine.learner.update, donate_argnums=0)
    host = HostSampler(dataset, config.batch_size, config.backup_length, config.discount)
    key = jax.random.key(0)
    cost = one_update.lower(state, host.sample(), key).compile().cost_analysis()
    flops = (cost[0] if isinstance(cost, list) else cost)["flops"]
    state = jax.device_put(state)

    def one_call(count: int) -> None:
        nonlocal state
        for i in range(count):
            state, _ = one_update(state, host.sample(), jax.random.fold_in(key, i))
        jax.block_until_ready(state)

    def compiled(count: int) -> None:
        nonlocal progress
        progress = engine.update(progress, 0, count)
        jax.block_until_ready(progress.state)

    product, product_flops = matrix_product()
    works = (one_call, compiled, product)
    for work in works:
        work(2)  # compiles
    rates = alternate(works, seconds)
    median = lambda values: statistics.median(list(values))
    return dict(
        size=size,
        method=method,
        seeds=seeds,
        one_call_per_second=median(one for one, _, _ in rates),
        compiled_per_second=seeds * median(fast for _, fast, _ in rates),
        ratio=seeds * median(fast / one for one, fast, _ in rates),
        gflop_per_update=flops / 1e9,
        share_of_matmul=seeds
        * median(fast * flops / (products * product_flops) for _, fast, products in rates),
        matmul_gflops=median(products * product_flops / 1e9 for _, _, products in rates),
        memory_mib=_memory_used(),
    )


def alternate(
    works: Sequence[Callable[[int], None]], seconds: float, rounds: int = 11
) -> list[tuple[float, ...]]:
    """Units of each `work(count)` per second in short rounds, one after the other,
    so that a drift of the machine's speed meets all; about `seconds` for each."""
    counts = [max(1, round(_rate(work, 8) * seconds / rounds)) for work in works]
    return [
        tuple(_rate(work, count) for work, count in zip(works, counts, strict=True)) for _ in range(rounds)
    ]


def _rate(work: Callable[[int], None], count: int) -> float:
    begin = time.perf_counter()
    work(count)
    return count / (time.perf_counter() - begin)


class HostSampler:
    """The published pattern's batches: the same chunks as `data.dataset.sample`, gathered by NumPy."""

    def __init__(self, dataset, batch_size: int, horizon: int, discount: float):
        self.data, self.batch_size, self.horizon = dataset, batch_size, horizon
        self.powers, self.final = (
            discount ** np.arange(horizon, dtype=np.float32),
            np.float32(discount**horizon),
        )
        self.rng = np.random.default_rng(0)

    def sample(self):
        from qlac_lite.data.dataset import Batch

        data, step = self.data, np.arange(self.horizon)
        start = data.starts[self.rng.integers(len(data.starts), size=self.batch_size)]
        length = np.minimum(data.steps_left[start], self.horizon)
        rows = start[:, None] + np.minimum(step, length[:, None] - 1)
        valid = (step < length[:, None]).astype(np.float32)
        return Batch(
            data.observations[start],
            data.actions[rows] * valid[..., None],
            np.sum(valid * self.powers * data.rewards[rows], axis=1),
            valid,
            data.observations[start + length],
            self.final * data.masks[rows].min(axis=1),
        )


def simulator_rates(rounds: int = 60) -> dict[str, float]:
    """Environment steps a second of random chunks on one core and on all, and of data generation on all."""
    from qlac_lite.config import DOMAINS, get_task
    from qlac_lite.data.fetch import generate
    from qlac_lite.data.suites.ogbench_play import STEPS
    from qlac_lite.envs.make import make_vector_env
    from qlac_lite.utils.cores import usable_cores

    rates = {}
    cores = usable_cores()
    for count in sorted({1, cores}):
        environments = make_vector_env(get_task(TASK), count, 5, 0.99)
        environments.reset(seed=list(range(count)))
        rng = np.random.default_rng(0)
        begin = time.perf_counter()
        for _ in range(rounds):
            chunks = rng.uniform(-1, 1, (count, 5, 5)).astype(np.float32)
            environments.step({"chunk": chunks, "run": np.ones(count, int)})
        rates[f"simulation, {count} process{'es' if count > 1 else ''}"] = (
            rounds * 5 * count / (time.perf_counter() - begin)
        )
        environments.close()
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        generate(DOMAINS["cube-single"], 4 * cores, 0, Path(folder) / "bench.npz")
        rates[f"data generation, {cores} processes, start-up included"] = (
            4 * cores * STEPS / (time.perf_counter() - begin)
        )
    return rates


if __name__ == "__main__":
    typer.run(main)

"""Films of the states in data files; those of a policy are tested in tests/training/test_policies.py."""

from unittest import mock

import numpy as np
import pytest
from conftest import grid
from test_cli import here

from qlac_lite.config.tasks import LITE_DOMAIN
from qlac_lite.data.fetch import generate
from qlac_lite.reports import films


@pytest.fixture
def drawn(monkeypatch):
    """Environments that draw at once; turned off by `drawn.clear()`, as where there is no renderer."""
    makes, pictures = films.make_env, [np.random.default_rng(0).integers(0, 255, (9, 9, 3), np.uint8)]

    def make(*arguments):
        env = makes(*arguments)
        env.unwrapped.render = lambda: pictures[0]
        return env

    monkeypatch.setattr(films, "make_env", make)
    return pictures


@pytest.fixture(scope="module")
def lite_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("lite") / "lite.npz"
    generate(LITE_DOMAIN, 2, 0, path, None)
    return path


@pytest.mark.parametrize("domain", grid(["cube-single", "scene", "puzzle-3x3"], "scene"))
def test_a_film_shows_the_states_of_the_episode(play_file, drawn, monkeypatch, domain):
    shown, suite = [], films.suite_of(films.get_domain(f"{domain}-play-v0"))
    show = suite.show
    monkeypatch.setattr(suite, "show", lambda env, *state: [show(env, *state), shown.append(env)])
    film, arrays = films.film_data(play_file(domain), None, 1), dict(np.load(play_file(domain)))
    rows = slice(1001, 2002)
    cubes = arrays["qpos"][rows, None, 14:17][:, : film.cubes.shape[1]]
    np.testing.assert_array_equal(film.cubes, cubes)
    assert film.effector.shape == (1001, 3) and np.ptp(film.effector, axis=0).min() > 0.05
    assert [step for step, picture in enumerate(film.pictures) if picture is not None] == [
        *range(0, 1001, 21)
    ]
    np.testing.assert_allclose(shown[-1].data.qpos, arrays["qpos"][2001], atol=1e-6)
    if "button_states" in arrays:
        np.testing.assert_array_equal(shown[-1]._cur_button_states, arrays["button_states"][2001])
    assert films.gif(film).startswith(b"GIF89a")


def test_the_lite_worlds_states_are_its_observations(lite_file, drawn):
    film, arrays = films.film_data(lite_file, episode=1), np.load(lite_file)
    rows = arrays["observations"][len(arrays["observations"]) // 2 :]
    np.testing.assert_allclose(film.effector[:, :2], rows[:, :2])
    np.testing.assert_allclose(film.cubes[:, 0, :2], rows[:, 3:5])


def test_the_goals_are_those_of_the_task_that_is_named(monkeypatch):
    named = []
    monkeypatch.setattr(films, "read", lambda *_: (None, {"domain": "cube-single", "episodes": 1}))
    monkeypatch.setattr(films, "data_suite_of", lambda _: mock.Mock(states=lambda *_: [()]))
    monkeypatch.setattr(films, "make_env", lambda task, *_: named.append(task.name) or 1 / 0)
    wanted = [f"cube-single-play-singletask-task{i}-v0" for i in (1, 1, 3)]
    for name in (None, "cube-single-play-v0", wanted[2]):
        with pytest.raises(ZeroDivisionError):
            films.film_data("file", name)
    assert named == wanted


def test_the_command_writes_a_film_or_else_a_sketch(lite_file, drawn, tmp_path):
    told = here("data", "--film", lite_file, "--episode", 1, "--out", tmp_path / "films")
    assert (told.returncode, told.stdout.strip()) == (0, str(tmp_path / "films" / "lite-episode-1.gif"))
    assert (tmp_path / "films" / "lite-episode-1.gif").read_bytes().startswith(b"GIF89a")
    drawn.clear()
    told = here("data", "--film", lite_file, "--out", tmp_path / "films")
    assert told.stdout.strip().endswith("lite-episode-0.png")
    assert (tmp_path / "films" / "lite-episode-0.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--episode", 2], "has the episodes 0 to 1, and no 2"),
        (["--episode", -1], "has the episodes 0 to 1, and no -1"),
        (["cube-single-play-v0"], "holds lite-world data"),
        (["cube-sinlge-play-v0"], "Did you mean cube-single-play-v0"),
        (["--film", "none.npz"], "There is no file none.npz"),
        (["--film", "."], "Cannot read"),
        (["--out", "file/films"], "a file is in the way"),
    ],
)
def test_what_cannot_be_filmed_is_told_in_a_line(lite_file, drawn, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    told = here("data", "--film", lite_file, *arguments)
    assert told.returncode == 2 and message in told.stderr and "Traceback" not in told.stderr

"""The worlds of lesson 11: what is known of them without a clone or a critic."""

import numpy as np

from qlac_lite.lessons import bowls_and_hills as balls
from qlac_lite.lessons import corridor_of_doors as corridor
from qlac_lite.lessons import critics_side_by_side as house
from qlac_lite.lessons import handovers
from qlac_lite.lessons.checks.lesson11 import clone_chunks, guided_sweep, mended_delayed
from qlac_lite.lessons.differences import table


def test_a_clone_of_noiseless_actions_is_the_demonstrator(monkeypatch):
    """Whatever the pole is; with chunks too, since the world has no noise of its own."""
    monkeypatch.setattr(balls, "NOISE", 0.0)
    for a in (0.3, 1.1):
        for clone, number in ((clone_chunks, 1), (clone_chunks, 4), (mended_delayed, 3)):
            path = balls.one_clone(clone, number, a)[:12]
            led = [path[0]]
            for _ in range(11):
                led.append(led[-1] @ balls.LED.T)
            np.testing.assert_allclose(path, led, atol=1e-5)


def test_a_clone_of_single_actions_makes_the_same_errors_on_each_ground():
    """The demonstrator's actions cancel what the ground does, and the clone's do so up to its error."""
    paths = [balls.one_clone(clone_chunks, 1, a, steps=20) for a in (0.3, 0.85, 1.15)]
    for path in paths[1:]:
        np.testing.assert_allclose(path, paths[0], rtol=1e-6)


def test_a_clone_that_stands_still_loses_no_ball_in_a_bowl():
    for a in (0.3, 0.85):
        assert np.all(balls.lost(clone_chunks, 1, a, share=0) == 0)
        rolled = np.array([1.0, 0.0]) @ np.linalg.matrix_power(balls.by_itself(a).T, 8)
        far = balls.median_out(clone_chunks, 1, a, share=0)
        np.testing.assert_allclose(far, np.linalg.norm(rolled), rtol=0.3)
    assert np.all(balls.lost(clone_chunks, 1, 1.15, share=0) == 100)


def test_noise_that_the_ball_feels_makes_the_clone_of_single_actions_safe():
    assert np.all(balls.lost(clone_chunks, 1, 1.15, explore=0.1) == 0)


def test_the_house_has_a_shortest_way_that_one_step_learning_finds_in_the_end():
    assert house.steps_to_goal()[house.START] == 17
    walks = house.record(0)
    assert np.array_equal(walks.moves.state[walks.chunks.move], walks.chunks.state)
    patient = house.learn(guided_sweep, walks, 60, 0.0)
    assert len(house.walk(walks, patient, "by move")) - 1 == 17
    assert house.walk(walks, patient, "by chunk")[-1] == house.GOAL


def test_a_clone_with_one_intention_goes_straight_to_a_door():
    for episode in range(5):
        path = corridor.walk("one intention", 0, episode)
        assert len(path) - 1 == corridor.DOOR and abs(path[-1]) == corridor.DOOR
    fresh = [len(corridor.walk("single actions", 0, episode)) for episode in range(20)]
    assert np.mean(fresh) > 2 * corridor.DOOR
    assert len(corridor.median_walk("single actions")) - 1 > corridor.DOOR


def test_seven_steps_after_being_near_a_door_people_walk_away_from_it():
    assert corridor.on_the_way_back(2) == 100 > corridor.on_the_way_back(2, age=0)


def test_more_clones_grow_from_look_to_look_on_a_hill():
    bowl, hill = (balls.growing(clone_chunks, a, (1, 8)) for a in (0.3, 1.15))
    assert np.allclose(bowl[1], hill[1]) and hill[8].mean() > bowl[8].mean()


def test_clones_grow_where_a_look_doubles_the_distance():
    doubled = balls.growing(lambda *_: 2 * np.stack([np.eye(2)] * 9), 0.3, (1, 8))
    assert np.all(doubled[8] == 100)


def test_a_clone_answers_more_than_its_demonstrator():
    sizes = balls.gain_sizes(8, 0.3)
    np.testing.assert_allclose(sizes["demonstrator"][0], 0.2)
    assert np.all(sizes["clones"] > sizes["demonstrator"])


def test_the_error_of_a_gain_lies_across_the_way_home():
    along, across = balls.gain_spread(0.3)
    assert across > 10 * along and across > 3 * balls.gain_spread(0.3, explore=0.1)[1]


def test_a_light_guide_saves_sweeps():
    light, none = (house.sweeps_needed(guided_sweep, weight) for weight in (0.3, 0))
    assert np.all(light < none)


def test_a_table_of_differences_has_a_star_where_the_interval_does_not_hold_0():
    ones, spread = np.ones(4), np.array([-3.0, 3.0, -1.0, 1.0])
    rows = {"a": {"x": (ones, 0 * ones), "y": (spread, 0 * ones)}, "b": {"y": (ones, ones)}}
    assert table("points", rows).splitlines() == [
        "points  x          y",
        "a       1 [1, 1]*  0 [-4, 4]",
        "b                  0",
    ]


def test_the_desk_runs_have_an_evaluation_on_both_sides_of_the_handover():
    falls = handovers.desk_handovers()
    assert len(falls) >= 6
    assert all(len(by_seed) == 4 and np.abs(by_seed).max() <= 100 for by_seed in falls.values())

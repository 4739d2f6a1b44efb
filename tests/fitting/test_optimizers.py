"""Optimisers by name, their refusals, the polyak rule, and the update mapped over starts."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rallax.fitting import build_optimizer, known_optimizers
from rallax.fitting.optimizers import _REFUSED
from rallax.fitting.schedules import known_schedules
from rallax.fitting.update import Updater, updater_for


def minimal(name: str) -> dict:
    if name == "polyak":
        return {"name": name, "mu": 0.1}
    return {"name": name, "max_learning_rate" if name == "polyak_sgd" else "learning_rate": 0.05}


def steps(spec: dict, n: int = 4, lanes: int = 3) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """u before each update of starts that descend sum(u^2), and the learning rates."""
    updater = Updater(build_optimizer(spec), 2)
    u = np.random.default_rng(0).standard_normal((lanes, 2))
    state = updater.init(u)
    us, rates = [], []
    for _ in range(n):
        u = np.asarray(state.u)
        us.append(u)
        state, facts = updater.apply(state, np.sum(u**2, axis=1), 2 * u, np.ones(lanes, bool))
        assert not facts.stepped_back.any()
        np.testing.assert_allclose(facts.gradient_norm, np.linalg.norm(2 * u, axis=1))
        rates.append(facts.learning_rate)
    return us, rates


@pytest.mark.parametrize("name", sorted(set(known_optimizers()) - {"noisy_sgd"}))
def test_every_known_optimizer_can_be_driven_by_gradients(name: str) -> None:
    assert build_optimizer(minimal(name) | {"clip_norm": 1.0}).name == name


@pytest.mark.parametrize("name", ["adam", "sgd", "polyak", "polyak_sgd", "lamb", "adafactor", "rprop", "prodigy"])
def test_an_optimizer_moves_each_start_as_it_would_move_it_alone(name: str) -> None:
    us, _ = steps(minimal(name), n=3, lanes=2)
    assert all(np.isfinite(u).all() for u in us)
    transformation = build_optimizer(minimal(name)).transformation
    for lane in range(2):
        u = jnp.asarray(us[0][lane])
        state = transformation.init(u)
        for row in us[1:]:
            step, state = transformation.update(2 * u, state, u, value=jnp.sum(u**2))
            u = optax.apply_updates(u, step)
            np.testing.assert_allclose(row[lane], u, rtol=1e-9, atol=1e-12)


def test_polyak_is_the_written_rule() -> None:
    mu, beta = 0.1 * np.sqrt(3), 0.9
    us, rates = steps({"name": "polyak", "mu": mu, "beta": beta})
    for now, after, rate in zip(us, us[1:], rates, strict=False):
        loss, gradient = np.sum(now**2, axis=1), 2 * now
        norm = np.linalg.norm(gradient, axis=1, keepdims=True)
        np.testing.assert_allclose(after, now - mu * loss[:, None] * gradient / norm**beta, rtol=1e-12)
        np.testing.assert_allclose(rate, mu * loss)


def test_polyak_at_a_gradient_of_zero_stays() -> None:
    transformation = build_optimizer({"name": "polyak", "mu": 1.0}).transformation
    step, _ = transformation.update(jnp.zeros(3), transformation.init(jnp.zeros(3)), jnp.zeros(3), value=jnp.array(2.0))
    np.testing.assert_array_equal(step, 0.0)


def test_clipping_is_per_start() -> None:
    us, _ = steps({"name": "sgd", "learning_rate": 1.0, "clip_norm": 0.1})
    lengths = np.linalg.norm(us[1] - us[0], axis=1)
    np.testing.assert_allclose(lengths, np.minimum(0.1, np.linalg.norm(2 * us[0], axis=1)))


def test_a_schedule_counts_the_updates_of_the_start() -> None:
    spec = {"name": "linear_schedule", "init_value": 0.1, "end_value": 0.0, "transition_steps": 4}
    us, rates = steps({"name": "sgd", "learning_rate": spec}, n=5)
    for i, (now, after) in enumerate(itertools.pairwise(us)):
        np.testing.assert_allclose(rates[i], 0.1 * (1 - i / 4))
        np.testing.assert_allclose(after, now - 0.1 * (1 - i / 4) * 2 * now)


def test_piecewise_boundaries_may_be_strings_as_toml_has_them() -> None:
    spec = {"name": "piecewise_constant_schedule", "init_value": 0.1, "boundaries_and_scales": {"2": 0.5}}
    _, rates = steps({"name": "sgd", "learning_rate": spec})
    np.testing.assert_allclose([r[0] for r in rates], [0.1, 0.1, 0.05, 0.05])


def test_the_update_is_float64_whatever_the_caller_has_set() -> None:
    reference, _ = steps(minimal("adam"))
    with jax.enable_x64(False):
        single, _ = steps(minimal("adam"))
        assert jnp.ones(1).dtype == jnp.float32
    for a, b in zip(reference, single, strict=True):
        assert a.dtype == np.float64
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e308])
def test_a_step_that_is_not_finite_touches_only_its_lane(bad: float) -> None:
    updater = updater_for({"name": "adam", "learning_rate": 0.1}, 2)
    u = np.random.default_rng(0).standard_normal((3, 2))
    gradient = 2 * u
    good, _ = updater.apply(updater.init(u), np.ones(3), gradient, np.ones(3, bool))
    gradient[1, 0] = bad
    state, facts = updater.apply(updater.init(u), np.ones(3), gradient, np.ones(3, bool))
    assert facts.stepped_back.tolist() == [False, True, False]
    for mine, reference in zip(jax.tree.leaves(state), jax.tree.leaves(good), strict=True):
        np.testing.assert_array_equal(mine[[0, 2]], reference[[0, 2]])
    np.testing.assert_array_equal(np.asarray(state.u)[1], u[1])
    assert np.asarray(state.halvings).tolist() == [0, 1, 0] and np.asarray(state.updates).tolist() == [1, 0, 1]


@pytest.mark.parametrize("name", sorted(_REFUSED))
def test_those_that_need_more_than_gradients_are_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f'^\\[fit\\] optimizer: "{name}" [^\n]*; take '):
        build_optimizer({"name": name, "learning_rate": 0.1})


@pytest.mark.parametrize(
    "spec, words",
    [
        ({"name": "noisy_sgd", "learning_rate": 0.1, "key": 0}, "keeps a random key in its state"),
        ({"name": "optimistic_adam", "learning_rate": 0.1}, 'did you mean "optimistic_adam_v2"'),
        ({}, 'name = "None" is not known'),
        ({"name": "adm", "learning_rate": 0.1}, 'did you mean "adam"'),
        ({"name": "adam"}, "learning_rate must be given"),
        ({"name": "adam", "learning_rte": 0.1}, 'unknown argument "learning_rte"; did you mean "learning_rate"'),
        ({"name": "adam", "learning_rate": "0.1"}, "must be a number or a schedule"),
        ({"name": "adam", "learning_rate": -0.1}, "finite number above 0"),
        ({"name": "adam", "learning_rate": {"name": "cosine"}}, '"cosine" is not known'),
        (
            {"name": "adam", "learning_rate": {"name": "cosine_decay_schedule", "init_value": 0.1}},
            "decay_steps must be given",
        ),
        ({"name": "adam", "learning_rate": 0.1, "clip_norm": 0}, "clip_norm = 0 must be"),
        ({"name": "adam", "learning_rate": 0.1, "b1": "much"}, "cannot be driven|b1"),
        ({"name": "polyak"}, "mu must be given"),
        ({"name": "polyak", "mu": -1.0}, "mu = -1.0 must be above 0"),
    ],
)
def test_mistakes_are_named_in_one_line(spec: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        build_optimizer(spec)
    assert "\n" not in str(caught.value) and str(caught.value).startswith("[fit] optimizer")


def test_the_schedules_of_optax_are_known() -> None:
    assert {"cosine_decay_schedule", "warmup_cosine_decay_schedule", "exponential_decay"} <= set(known_schedules())

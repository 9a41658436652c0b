"""The frame's head: regions, the regression, and that it finds what is there."""

from __future__ import annotations

import numpy as np
import pytest

from medauth.training.linear_head import REGIONS, fit_head, fit_logistic, load_head, pool, region_masks, save_head


def test_regions_share_the_crop_among_them() -> None:
    masks = region_masks()
    assert masks.shape == (REGIONS, 7, 7)
    np.testing.assert_allclose(masks.sum(axis=(1, 2)), 1, rtol=1e-6)
    assert ((masks > 0).sum(axis=0) == 1).all()


def test_pooling_takes_means_over_regions() -> None:
    features = np.zeros((2, 7, 7, 3), np.float16)
    features[0, region_masks()[4] > 0] = (1, 2, 3)
    pooled = pool(features)
    np.testing.assert_allclose(pooled[0, 4], (1, 2, 3), rtol=1e-3)
    assert pooled[0, :4].max() == pooled[1].max() == 0


def test_the_regression_reaches_the_optimum() -> None:
    """At the optimum of the penalised loss its gradient is zero."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 5)).astype(np.float32)
    fake = x[:, 0] + 0.5 * rng.standard_normal(300) > 0
    start = (np.zeros(5, np.float32), 0.0)
    found, bias = fit_logistic(x, fake, np.ones(300, np.float32), 0.01, start, rounds=400)
    signs, shares = np.where(fake, 1.0, -1.0), np.where(fake, 0.5 / fake.sum(), 0.5 / (~fake).sum())
    slopes = -signs * shares / (1 + np.exp(signs * (x @ found + bias)))
    np.testing.assert_allclose(x.T @ slopes + 0.01 * found, 0, atol=1e-3)
    assert slopes.sum() == pytest.approx(0, abs=1e-3)
    assert found[0] > 5 * np.abs(found[1:]).max()


def test_pictures_of_no_weight_take_no_part() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((100, 3)).astype(np.float32)
    fake, weights = x[:, 0] > 0, np.ones(100, np.float32)
    changed = x.copy()
    weights[:10], changed[:10] = 0, 50
    start = (np.zeros(3, np.float32), 0.0)
    of_all, of_changed = (fit_logistic(part, fake, weights, 0.1, start, rounds=2000)[0] for part in (x, changed))
    np.testing.assert_allclose(of_changed, of_all, atol=0.02)


def test_a_head_tells_a_region_that_does_not_fit_and_is_read_back(tmp_path) -> None:
    rng = np.random.default_rng(2)
    fake = rng.random(400) < 0.5
    pooled = rng.standard_normal((400, 1, 4)).astype(np.float32) + np.zeros((1, REGIONS, 1), np.float32)
    pooled[fake, 1, 2] += 1.0
    head = fit_head(pooled[:300], fake[:300], np.ones(300, np.float32), pooled[300:], fake[300:])
    assert ((head.logits(pooled[300:]) > 0) == fake[300:]).mean() > 0.95
    save_head(tmp_path / "head.npz", head)
    np.testing.assert_array_equal(load_head(tmp_path / "head.npz").logits(pooled), head.logits(pooled))

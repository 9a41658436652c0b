"""The frame net of the deepfake model and its lessons: need TensorFlow, but neither data nor trained weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("keras", reason="needs the extra `train`")

import keras

from medauth.training.deepfake_net import CHANNELS, HighPass, build_frame_net, encoder_of, load_backbone
from medauth.training.face_bank import CROP_PX
from medauth.training.forged_samples import CELLS, Samples
from medauth.training.frame_exam import Exam
from medauth.training.frame_lessons import FrameLessons, PairLoss, exam_areas, frame_logits, pair_targets
from medauth.training.mobilenet import BLOCKS, EXPANSION, FIRST, STEM

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore")]  # TensorFlow warns about itself


def samples(pairs: int = 4) -> Samples:
    """Real crops are dark, forged ones have a bright left half, whose edge is known but for the first pair."""
    images = np.full((2 * pairs, CROP_PX, CROP_PX, 3), 40, np.uint8)
    images[1::2, :, : CROP_PX // 3] = 200
    edges = np.zeros((2 * pairs, CELLS, CELLS), np.float32)
    edges[1::2, :, CELLS // 3] = 1
    edges[1] = -1
    kinds = np.tile([0, 2], pairs)
    return Samples(images, np.ones(2 * pairs, np.float32), kinds, np.zeros_like(kinds), np.arange(2 * pairs), edges)


def nothing() -> Exam:
    none = np.zeros(0, str)
    return Exam(np.zeros((0, CROP_PX, CROP_PX, 3), np.uint8), np.zeros(0, np.int64), none, none, none, np.zeros(0))


def loss_of(answers: NDArray[np.float32], shown: Samples, **weights: float) -> NDArray[np.float32]:
    return np.asarray(PairLoss(reduction="none", **weights).call(pair_targets(shown), answers))


def test_each_part_of_the_loss_is_low_only_for_its_answer() -> None:
    shown = samples(2)
    right = np.where(pair_targets(shown) > 0, 9.0, -9.0).astype(np.float32)
    assert loss_of(right, shown).max() < 1e-3
    upside_down = right.copy()
    upside_down[:, 0] *= -1
    assert loss_of(upside_down, shown, order=0.0).min() > 8
    # Both of the second pair called real: the order is what is left to tell.
    undecided = right.copy()
    undecided[:, 0] = 0
    by_order = loss_of(undecided, shown, order=1.0) - loss_of(undecided, shown, order=0.0)
    np.testing.assert_allclose(by_order, np.log(2), rtol=1e-5)
    elsewhere = right.copy()
    elsewhere[:, 1:] *= -1
    by_edges = loss_of(elsewhere, shown, edges=1.0) - loss_of(elsewhere, shown, edges=0.0)
    assert by_edges[1] == 0, "the edge of the first forgery is not known"
    assert by_edges[3] > 8


def test_pairs_stay_together_and_edges_are_mirrored_with_the_picture() -> None:
    lessons = FrameLessons(lambda _: samples(), 1, 2, nothing(), 7, batch=4)
    batches = list(lessons.epoch(0))
    assert len(batches) == lessons.count(0) == 4
    mirrored = 0
    for batch in batches:
        np.testing.assert_array_equal(batch.targets[:, 0], (0, 1, 0, 1))
        for image, wanted in zip(batch.images[1::2], batch.targets[1::2], strict=True):
            right = image[0, -1, 0] > image[0, 0, 0]
            mirrored += int(right)
            edges = wanted[1:].reshape(CELLS, CELLS)
            if edges.min() >= 0:
                assert edges[0].argmax() == (CELLS - 1 - CELLS // 3 if right else CELLS // 3)
    assert 0 < mirrored < 8


def test_an_exam_is_judged_kind_by_kind() -> None:
    kinds = np.array([0, 2, 3, 0, 2, 3])
    sources = np.full(6, "faces_lfw")
    exam = Exam(np.zeros((6, 1, 1, 3), np.uint8), kinds, sources, sources, sources, np.full(6, np.nan))
    found = exam_areas(np.array([0.0, 1.0, -1.0] * 2), exam)
    assert found == {"self_blend": 1.0, "swap": 0.0}


def test_the_net_begins_where_the_backbone_stood() -> None:
    """In BGR, whatever the high-passed channels say; and its parts give the net's own logit."""
    keras.utils.set_random_seed(1)
    net, weights = build_frame_net(), backbone()
    load_backbone(net, weights)
    kernel = net.get_layer("Conv1").get_weights()[0]
    factor = 1 / np.sqrt(1 + 1e-3)
    np.testing.assert_allclose(kernel[:, :, :3], weights["Conv1/kernel"][:, :, ::-1] * factor, rtol=1e-5)
    assert not kernel[:, :, 3:].any()
    crops = np.random.default_rng(0).integers(0, 255, (3, CROP_PX, CROP_PX, 3), dtype=np.uint8)
    encoder, direction, bias = encoder_of(net)
    maps, vectors = (np.asarray(part) for part in encoder(crops.astype(np.float32)))
    assert maps.shape == (3, CELLS, CELLS, CHANNELS)
    np.testing.assert_allclose(vectors @ direction + bias, frame_logits(net, crops, 4), atol=1e-3)


def test_what_is_flat_has_no_traces() -> None:
    flat = np.full((1, 8, 8, 3), 90.0, np.float32)
    assert np.abs(np.asarray(HighPass(0.1)(flat))[0, 1:-1, 1:-1]).max() < 1e-5
    flat[0, 4, 4] += 8
    assert np.asarray(HighPass(0.1)(flat))[0, 4, 4, 0] == pytest.approx(8 * 0.75 * 0.1, rel=1e-4)


def backbone() -> dict[str, NDArray[Any]]:
    """Tensors of a MobileNetV2 that was never trained, under Keras' names."""
    rng, found = np.random.default_rng(0), {}

    def add(name: str, shape: tuple[int, ...], *, depthwise: bool = False) -> None:
        channels = shape[2] if depthwise else shape[3]
        norm = "bn_Conv1" if name == "Conv1" else f"{name}_BN"
        fan_in = shape[0] * shape[1] * (1 if depthwise else shape[2])
        kernel = rng.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)
        found[f"{name}/{'depthwise_kernel' if depthwise else 'kernel'}"] = kernel
        for part, value in (("gamma", 1), ("beta", 0.1), ("moving_mean", 0), ("moving_variance", 1)):
            found[f"{norm}/{part}"] = np.full(channels, value, np.float32)

    add("Conv1", (3, 3, 3, STEM))
    add("expanded_conv_depthwise", (3, 3, STEM, 1), depthwise=True)
    add("expanded_conv_project", (1, 1, STEM, FIRST))
    channels = FIRST
    for number, wanted, _ in BLOCKS:
        wide = channels * EXPANSION
        add(f"block_{number}_expand", (1, 1, channels, wide))
        add(f"block_{number}_depthwise", (3, 3, wide, 1), depthwise=True)
        add(f"block_{number}_project", (1, 1, wide, wanted))
        channels = wanted
    return found

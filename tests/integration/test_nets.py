"""Nets, training and export: need TensorFlow, but neither data nor trained weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medauth.errors import InputError, ModelError
from medauth.training.batches import BatchPlan
from medauth.training.checkpoint import load_progress
from medauth.training.datasets import LabelledImages

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore")]  # TensorFlow warns about itself

SIDE = 16


@pytest.fixture(scope="module")
def keras():
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(1)
    return keras


@pytest.fixture(scope="module")
def stripes() -> LabelledImages:
    """Horizontal against vertical stripes: a task that a net learns in seconds."""
    rng = np.random.default_rng(0)
    majority = np.arange(128) % 2
    waves = np.where(np.arange(24) // 3 % 2, 200, 50)
    pictures = [np.broadcast_to(waves if label else waves[:, None], (24, 24)) for label in majority]
    images = np.clip(np.stack(pictures) + rng.normal(0, 10, (128, 24, 24)), 0, 255).astype(np.uint8)
    return LabelledImages(images, np.eye(2, dtype=np.float32)[majority], majority.astype(np.int64), ("h", "v"))


def build(stem: int = 8) -> Any:
    from medauth.training.expression import build_expression_model

    return build_expression_model(classes=2, stages=((8, 1), (16, 1)), stem=stem)


def plan(**changes: Any) -> Any:
    from medauth.training.augmentation import Distortion
    from medauth.training.loop import TrainingPlan

    batches = BatchPlan(size=16, size_px=SIDE, distortion=Distortion(rotation_deg=5.0))
    small = TrainingPlan(
        epochs=2, full_size_epochs=1, early=batches, peak_rate=5e-3, average_decay=0.9, precision="float32"
    )
    return replace(small, batches=batches, **changes)


def train_quietly(stripes: LabelledImages, folder: Path, **changes: Any) -> Any:
    from medauth.training.loop import train

    return train(build, (stripes, stripes), plan(**changes), folder, report=lambda _line: None)


def randomised(model: Any) -> Any:
    """Weights as after a training: batch normalisation that does something."""
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if "gamma" in variable.path or "moving_variance" in variable.path:
            variable.assign(rng.uniform(0.6, 1.4, variable.shape))
    return model


def test_exposure_and_contrast_do_not_matter(keras):
    from medauth.training.layers import Standardise

    images = np.random.default_rng(0).uniform(50, 150, (2, 8, 8, 1)).astype(np.float32)
    layer = Standardise()
    assert np.asarray(layer(images)) == pytest.approx(np.asarray(layer(images * 1.5 + 20)), abs=1e-4)
    assert np.asarray(layer(np.full((1, 8, 8, 1), 77.0, np.float32))) == pytest.approx(np.zeros((1, 8, 8, 1)))


def test_fused_normalisation_is_the_plain_one(keras):
    from medauth.training.layers import FusedBatchNormalization

    inputs = np.random.default_rng(0).normal(3, 2, (16, 6, 6, 4)).astype(np.float32)
    fused, plain = FusedBatchNormalization(momentum=0.9), keras.layers.BatchNormalization(momentum=0.9)
    assert np.asarray(fused(inputs, training=True)) == pytest.approx(np.asarray(plain(inputs, training=True)), abs=1e-3)
    for ours, theirs in zip(fused.weights, plain.weights, strict=True):
        # The fused operator keeps the unbiased variance: N / (N - 1) larger.
        assert np.asarray(ours) == pytest.approx(np.asarray(theirs), rel=2e-3, abs=1e-4)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_training_learns_and_leaves_a_log(keras, stripes, tmp_path: Path, precision):
    from medauth.training.augmentation import centre_crop
    from medauth.training.loop import evaluate, judge

    model = train_quietly(stripes, tmp_path, epochs=6, precision=precision)
    figures = judge(evaluate(model, centre_crop(stripes.images, SIDE)), stripes)
    assert figures["accuracy"] > 0.9
    assert model.dtype_policy.name == "float32"
    assert list((tmp_path / "tensorboard").iterdir())


def test_an_interrupted_training_ends_where_the_uninterrupted_does(keras, stripes, tmp_path: Path):
    whole = train_quietly(stripes, tmp_path / "whole", epochs=3)

    class Killed(Exception):
        pass

    def kill(_line: str) -> None:
        raise Killed

    from medauth.training.loop import train

    with pytest.raises(Killed):
        train(build, (stripes, stripes), plan(epochs=3), tmp_path / "cut", report=kill)
    interrupted = load_progress(tmp_path / "cut")
    assert interrupted is not None
    assert interrupted.epoch == 1
    resumed = train_quietly(stripes, tmp_path / "cut", epochs=3)
    for ours, theirs in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-6)
    one, two = load_progress(tmp_path / "whole"), load_progress(tmp_path / "cut")
    assert one is not None
    assert two is not None
    assert one.scores("rate") == pytest.approx(two.scores("rate"))


def test_a_finished_training_only_loads(keras, stripes, tmp_path: Path):
    train_quietly(stripes, tmp_path)
    before = (tmp_path / "state.json").stat().st_mtime_ns
    train_quietly(stripes, tmp_path)
    assert (tmp_path / "state.json").stat().st_mtime_ns == before


def test_early_stopping_stops(keras, stripes, tmp_path: Path):
    train_quietly(stripes, tmp_path, epochs=20, stop_patience=1, peak_rate=0.0)
    progress = load_progress(tmp_path)
    assert progress is not None
    assert progress.epoch < 20


def test_the_plateau_schedule_cuts_the_rate(keras, stripes, tmp_path: Path):
    train_quietly(stripes, tmp_path, epochs=5, schedule="plateau", plateau_patience=1)
    progress = load_progress(tmp_path)
    assert progress is not None
    rates = progress.scores("rate")
    assert rates[0] == pytest.approx(5e-3)
    assert rates == sorted(rates, reverse=True)


def test_checkpoints_can_be_h5_too(keras, stripes, tmp_path: Path):
    train_quietly(stripes, tmp_path, epochs=1)
    assert not list(tmp_path.glob("*.h5"))
    train_quietly(stripes, tmp_path, epochs=2, also_h5=True)
    assert keras.saving.load_model(next(tmp_path.glob("legacy-*.h5")), compile=False).count_params()


@pytest.mark.parametrize("weights", ["float32", "float16", "int8"])
def test_the_file_agrees_with_the_net(keras, tmp_path: Path, weights):
    from medauth.training.export import check_agreement, predict_endpoint, write_litert

    model = randomised(build())
    path = tmp_path / "net.tflite"
    endpoint = predict_endpoint(model, 0.8, SIDE)
    write_litert(model, [endpoint], path, weights=weights)
    image = np.random.default_rng(0).uniform(0, 255, (1, SIDE, SIDE, 1)).astype(np.float32)
    tolerance = {"float32": 1e-4, "float16": 0.02, "int8": 0.3}[weights]
    assert check_agreement(path, [endpoint], [{"images": image}], tolerance) <= tolerance


def test_a_file_of_another_net_is_refused(keras, tmp_path: Path):
    from medauth.training.export import check_agreement, predict_endpoint, write_litert

    path = tmp_path / "net.tflite"
    write_litert(model := randomised(build()), [predict_endpoint(model, 1.0, SIDE)], path)
    image = np.random.default_rng(0).uniform(0, 255, (1, SIDE, SIDE, 1)).astype(np.float32)
    other = predict_endpoint(randomised(build()), 1.0, SIDE)
    with pytest.raises(ModelError, match="differs from its net"):
        check_agreement(path, [other], [{"images": image}], 0.02)


def test_joined_files_keep_both_signatures_and_the_heat_equals_the_gradient(keras, tmp_path: Path):
    from medauth.training.export import (
        LiteRtModel,
        explain_endpoint,
        gradient_heat,
        predict_endpoint,
        write_litert,
    )
    from medauth.training.expression import LAST_CONVOLUTION
    from medauth.training.litert_file import join_signatures

    model = randomised(build())
    write_litert(model, [predict_endpoint(model, 1.0, SIDE)], tmp_path / "a.tflite", weights="int8")
    write_litert(model, [explain_endpoint(model, LAST_CONVOLUTION, SIDE)], tmp_path / "b.tflite")
    join_signatures(tmp_path / "a.tflite", tmp_path / "b.tflite", tmp_path / "joined.tflite")
    joined, alone = LiteRtModel(tmp_path / "joined.tflite"), LiteRtModel(tmp_path / "a.tflite")
    assert set(joined.signatures()) == {"predict", "explain"}
    image = np.random.default_rng(0).uniform(0, 255, (1, SIDE, SIDE, 1)).astype(np.float32)
    assert np.array_equal(joined.call("predict", images=image)["logits"], alone.call("predict", images=image)["logits"])
    hottest = []
    for target in np.array([[[1, 0]], [[-1, 0]]], np.float32):  # what is cold in one direction is hot in the other
        expected = gradient_heat(model, LAST_CONVOLUTION, image, target)
        hottest.append(expected.max())
        assert np.abs(joined.call("explain", images=image, target=target)["heat"] - expected).max() < 1e-3
    assert max(hottest) > 0


@pytest.mark.parametrize("weights", ["int8", "float16", "float32"])
def test_a_training_starts_from_a_released_file(keras, stripes, tmp_path: Path, weights: str):
    from medauth.training.export import predict_endpoint, write_litert
    from medauth.training.loop import evaluate
    from medauth.training.warm_start import start_from_file

    model = train_quietly(stripes, tmp_path / "work")
    write_litert(model, [predict_endpoint(model, 1.0, SIDE)], tmp_path / "a.tflite", weights=weights)
    images = stripes.images[:64, :, :, None].astype(np.float32)
    expected = evaluate(model, images)
    for stem in (8, 12):  # as the file, and wider than it
        fresh = build(stem)
        start_from_file(fresh, tmp_path / "a.tflite", images)
        assert np.abs(evaluate(fresh, images) - expected).max() < (0.3 if weights == "int8" else 0.01)


def test_a_training_refuses_the_file_of_another_net(keras, stripes, tmp_path: Path):
    from medauth.training.export import predict_endpoint, write_litert
    from medauth.training.eye_state import EYE_PX, build_eye_model
    from medauth.training.warm_start import start_from_file

    other = build_eye_model()
    write_litert(other, [predict_endpoint(other, 1.0, EYE_PX)], tmp_path / "a.tflite")
    with pytest.raises(ModelError, match=r"weighted layers|no layer|weights kept"):
        start_from_file(build(), tmp_path / "a.tflite", np.zeros((64, SIDE, SIDE, 1), np.float32))


def test_the_catalogue_takes_changes_and_refuses_unknown_names(keras):
    from medauth.training.catalogue import CATALOGUE, find_model

    changed = find_model("expression", {"epochs": 3, "seed": 11, "full_size_epochs": 1}).plan
    assert (changed.epochs, changed.seed, changed.full_size_epochs) == (3, 11, 1)
    assert find_model("expression") == CATALOGUE["expression"]
    with pytest.raises(InputError, match="'mood'"):
        find_model("mood")


def test_a_release_writes_weights_manifest_pictures_and_card(keras, stripes, tmp_path: Path):
    from medauth.signals.models import ModelLibrary
    from medauth.training.card import write_card
    from medauth.training.catalogue import find_model
    from medauth.training.expression import LAST_CONVOLUTION
    from medauth.training.release import release

    model = train_quietly(stripes, tmp_path / "work")
    progress = load_progress(tmp_path / "work")
    assert progress is not None
    spec = replace(
        find_model("expression"),
        build=build,
        load=lambda _data, _split: stripes,
        size_px=SIDE,
        judged=2,
        explained_layer=LAST_CONVOLUTION,
        calibration_copies=1,
    )
    manifest = release(spec, model, progress, tmp_path, tmp_path / "models", "command", judge_test=False)
    assert "test" not in manifest.metrics
    assert manifest.metrics["valid"]["accuracy"]["n"] == 128
    loaded = ModelLibrary([tmp_path / "models"]).load("expression")
    assert set(loaded.signatures()) == {"predict", "explain"}
    assert loaded.input_shape() == (1, SIDE, SIDE, 1)
    assert "command" in write_card(tmp_path / "models" / "expression").read_text()
    assert {"confusion_valid.png", "reliability_valid.png", "history.png"} <= {
        path.name for path in (tmp_path / "models" / "expression").iterdir()
    }


@pytest.mark.parametrize("name", ["expression_mobilenet", "expression_student"])
def test_lighter_variants_answer_for_crops_of_every_size(keras, name: str):
    from medauth.training.catalogue import find_model

    model = find_model(name).build()
    assert model.count_params() < 500_000
    for side in (40, 48):
        assert model(np.full((2, side, side, 1), 90, np.float32), training=False).shape == (2, 8)


def test_a_student_is_told_what_its_teacher_answers(keras, stripes, tmp_path: Path):
    from medauth.training.distillation import taught
    from medauth.training.export import predict_endpoint, write_litert

    teacher = build()
    write_litert(teacher, [predict_endpoint(teacher, 1.0, SIDE)], tmp_path / "t.tflite", weights="float32")
    few = stripes.select(np.arange(128) < 8)
    told = taught(few, tmp_path / "t.tflite", SIDE, share=0.7)
    assert told.soft.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    answers = (told.soft - 0.3 * few.soft) / 0.7
    assert (answers > -1e-5).all()
    assert not np.allclose(answers, few.soft, atol=0.01)
    assert any(key.startswith("teacher") for key in told.digests)


def test_all_in_eight_bits_needs_pictures_and_answers_alike(keras, tmp_path: Path):
    from medauth.training.export import LiteRtModel, predict_endpoint, write_litert
    from medauth.training.warm_start import start_from_file

    model, rng = build(), np.random.default_rng(3)
    endpoint = predict_endpoint(model, 1.0, SIDE)
    with pytest.raises(ModelError, match="ranges"):
        write_litert(model, [endpoint], tmp_path / "n.tflite", weights="int8_full")
    samples = [{"images": rng.uniform(0, 255, (1, SIDE, SIDE, 1)).astype(np.float32)} for _ in range(32)]
    write_litert(model, [endpoint], tmp_path / "q.tflite", weights="int8_full", representative=samples)
    stored = LiteRtModel(tmp_path / "q.tflite")
    for sample in samples[:8]:
        expected = np.asarray(model(sample["images"], training=False))
        assert np.abs(stored.call("predict", **sample)["logits"] - expected).max() < 0.5
    with pytest.raises(ModelError, match="eight bits already"):
        start_from_file(build(), tmp_path / "q.tflite", np.zeros((64, SIDE, SIDE, 1), np.float32))

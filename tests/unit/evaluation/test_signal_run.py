"""Figures of a run with a judge whose answers are known, the files it leaves, and thresholds taken from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medauth.errors import InputError
from medauth.evaluation.folders import Folder, Item
from medauth.evaluation.judges import Answer
from medauth.evaluation.report_files import write_evaluation
from medauth.evaluation.signal_run import evaluate
from medauth.evaluation.still import Unusable
from medauth.evaluation.thresholds import recorded_points, write_points
from medauth.signals.calibration import deny_threshold
from medauth.signals.interface import ModelUse
from medauth.signals.models import Manifest, read_manifest

pytestmark = pytest.mark.simulated


class Scripted:
    """Answers by the file's name: a number is a score, `bad` cannot be judged."""

    classes: tuple[str, ...] = ()
    models: tuple[ModelUse, ...] = (ModelUse("net", "ab" * 32),)
    manifests: tuple[Manifest, ...] = (
        Manifest("net", "1", "net.tflite", "ab" * 32, operating_points={"standard": {"threshold": 0.5}}),
    )

    def answer(self, item: Item) -> Answer:
        if item.name == "bad":
            raise Unusable("capture.no_face")
        return Answer(float(item.name))


class Naming(Scripted):
    """A classifier that is always right about cats and never about dogs."""

    classes: tuple[str, ...] = ("cat", "dog", "bird")

    def answer(self, item: Item) -> Answer:
        return Answer(0.8, {"cat": 0.8, "dog": 0.1, "bird": 0.1})


def folder(*rows: tuple[str, str, str]) -> Folder:
    return Folder(Path("data"), tuple(Item(Path(n), n, label, group) for n, label, group in rows), "cd" * 32, 0)


ROWS = [("0.1", "live", "a"), ("0.2", "live", "b"), ("0.9", "print", "a"), ("0.4", "replay", "b"), ("bad", "live", "a")]


def test_detector_is_judged_by_species_and_the_rest_is_counted() -> None:
    report = evaluate("presentation_attack", Scripted(), folder(*ROWS))
    assert report.unusable == {"capture.no_face": 1}
    assert report.figures["auc"]["value"] == 1.0
    point = report.figures["at_threshold"]["standard"]
    assert point["apcer"]["worst"] == "replay"
    assert point["apcer"]["species"]["print"]["value"] == 0.0
    assert point["bpcer"]["hits"] == 0
    assert report.figures["by_group"]["a"]["auc"] == 1.0


def test_classifier_is_judged_on_the_classes_that_occur() -> None:
    report = evaluate("pets", Naming(), folder(("1", "cat", "a"), ("2", "cat", "b"), ("3", "dog", "b")))
    assert report.figures["accuracy"]["hits"] == 2
    assert report.figures["mean_recall"]["value"] == 0.5
    assert report.classes == ("cat", "dog")
    assert report.matrix is not None
    assert report.matrix.tolist() == [[2, 0], [1, 0]]


def test_nothing_that_could_be_judged_is_an_error_with_reasons() -> None:
    with pytest.raises(InputError, match=r"1 capture\.no_face"):
        evaluate("x", Scripted(), folder(("bad", "live", "a")))


def test_report_is_complete_and_escapes_what_it_is_given(tmp_path) -> None:
    rows = [*ROWS, ("0.7", "<script>alert(1)</script>", "c")]
    files = write_evaluation(evaluate("x", Scripted(), folder(*rows)), tmp_path)
    assert {path.name for path in files} >= {"evaluation.json", "scores.csv", "evaluation.html", "roc.png"}
    page = (tmp_path / "evaluation.html").read_text()
    assert "<script>" not in page
    assert 'src="http' not in page
    assert json.loads((tmp_path / "evaluation.json").read_text())["unusable"] == {"capture.no_face": 1}
    assert (tmp_path / "scores.csv").read_text().splitlines()[5] == "bad,live,a,,,capture.no_face"


def many(count: int = 100) -> Folder:
    live = [(f"{i / (2 * count):.4f}", "live", f"p{i % 10}") for i in range(count)]
    return folder(*live, *[(f"{0.3 + i / 100:.4f}", "print", f"p{i % 10}") for i in range(60)])


def test_thresholds_follow_from_what_a_policy_may_turn_away(tmp_path) -> None:
    points = recorded_points(evaluate("x", Scripted(), many()))
    assert points["standard"]["bpcer"]["value"] <= 0.02
    assert points["strict"]["bpcer"]["value"] <= 0.05
    assert points["strict"]["threshold"] < points["standard"]["threshold"]
    assert points["standard"]["data"]["sha256"] == "cd" * 32
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"name": "net", "version": "1", "file": "f", "sha256": "00"}))
    write_points(path, points)
    assert deny_threshold(read_manifest(path).operating_points, "strict") == points["strict"]["threshold"]


def test_thresholds_want_enough_real_persons() -> None:
    with pytest.raises(InputError, match="2 bona fide"):
        recorded_points(evaluate("x", Scripted(), folder(*ROWS[:4])))


def test_a_classifier_has_no_threshold_to_record() -> None:
    with pytest.raises(InputError, match="is a classifier"):
        recorded_points(evaluate("pets", Naming(), folder(("1", "cat", "a"), ("3", "dog", "b"))))

"""The ensemble on a real clip: members are heard, stated with their digests, and silent under `standard`."""

from __future__ import annotations

from pathlib import Path

import pytest

from medauth.bootstrap import open as open_medauth
from medauth.capture.video_file import VideoFile
from medauth.config import Settings
from medauth.protocol.challenge import NONCE_BYTES, Action, Challenge, scripted_step
from medauth.protocol.policy import STANDARD, STRICT, Policy
from medauth.signals.models import ModelLibrary

pytestmark = pytest.mark.media
OTHERS = "expression_student=0.5,fer_mini_xception=1"
LIBRARY = ModelLibrary()


def stated(tmp_path: Path, policy: Policy) -> set[str]:
    """The models of a check's emotion signal under a policy."""
    steps = (scripted_step(Action.SMILE, 0, pause_ms=500),)
    with open_medauth(Settings(data_dir=tmp_path / "data", emotion_models=OTHERS)) as auth:
        observer = auth.observer(Challenge("chk_1", steps, bytes(NONCE_BYTES)), policy)
        used = {use.name for use in observer.marks()["emotion"].models}
        observer.close()
        return used


def test_under_standard_nobody_else_judges(tmp_path: Path) -> None:
    assert stated(tmp_path, STANDARD) == {"expression"}
    assert stated(tmp_path, STRICT) == {"expression", "expression_student", "fer_mini_xception"}


def test_an_analysis_hears_them_and_says_so(clip: Path, tmp_path: Path) -> None:
    source = VideoFile(clip, start_ms=30_000, end_ms=36_000)
    shares = []
    for names in ("", OTHERS):
        with open_medauth(Settings(data_dir=tmp_path / "data", emotion_models=names)) as auth:
            found = auth.analyze(source)
            reading = next(reading for reading in found.readings if reading.signal == "emotion")
            shares.append(reading.details["shares_ppm"])
            uses = {use.name: use.sha256 for use in found.marks["emotion"].models}
    assert uses["fer_mini_xception"] == LIBRARY.load("fer_mini_xception").use.sha256
    assert shares[0] != shares[1]
    for found_shares in shares:
        assert isinstance(found_shares, dict)
        assert sum(int(str(share)) for share in found_shares.values()) == pytest.approx(1_000_000, abs=20)


@pytest.mark.parametrize("name", ["expression_student", "expression_mobilenet", "fer_mini_xception"])
def test_every_other_net_sees_the_smile(name: str, clip: Path) -> None:
    import cv2

    from medauth.signals.emotion_local import LocalEmotionModel
    from medauth.signals.emotion_reader import FACE_PX, MEMBER_BOX
    from medauth.signals.face_crop import crop_face
    from medauth.signals.face_track import StillMesh
    from tests.conftest import data_folder

    folder = data_folder()
    if folder is None:
        pytest.skip("no recorded data: set MEDAUTH_DATA")
    image = cv2.imread(str(folder / "samples_permissive" / "astronaut_512.jpg"))
    assert image is not None
    mesh = StillMesh()
    landmarks = mesh.landmarks(image)  # type: ignore[arg-type]  # its stubs know no dtype
    mesh.close()
    assert landmarks is not None
    eyes_px = float(((landmarks[33, :2] - landmarks[263, :2]) ** 2).sum() ** 0.5)
    face = crop_face(image, landmarks, FACE_PX, MEMBER_BOX, eyes_px, colour=True)  # type: ignore[arg-type]
    found = LocalEmotionModel(LIBRARY.load(name)).probabilities(face)
    assert found is not None
    assert max(found, key=found.__getitem__) == "happiness"
    assert sum(found.values()) == pytest.approx(1)

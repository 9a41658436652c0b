"""What a process that checks loads: the face mesh without what MediaPipe would bring and never uses for it."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import sys
from medauth.signals.face_track import FaceMeshTracker
FaceMeshTracker().close()
print(sorted({"matplotlib", "tensorflow", "jax", "mediapipe.tasks"} & set(sys.modules)))
from mediapipe.python.solutions.drawing_utils import DrawingSpec
print(DrawingSpec.__name__)
"""


def test_the_mesh_brings_no_plots_and_leaves_mediapipe_whole() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "DrawingSpec"]

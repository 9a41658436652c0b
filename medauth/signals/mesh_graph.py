"""MediaPipe's graph of the refined face mesh, driven without the Python that MediaPipe puts around it.

`FaceMesh.process` makes a new class for every picture it is given: a tenth of what the whole mesh costs, and work for the
garbage collector. The graph, its models and its thresholds are the same, and so are its landmarks, to the bit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import LANDMARK_COUNT

_GRAPH = Path("mediapipe", "modules", "face_landmark", "face_landmark_front_cpu.binarypb")
_IMAGE, _FACES = "image", "multi_face_landmarks"
_FRAME_US = 33_333
"""Between two pictures on the graph's own clock, as in `FaceMesh`: it only has to advance."""
# A serialised landmark: field header, length 15, then tag and little-endian float32 for x, y and z.
_LANDMARK_BYTES = 17
_FLOAT_BYTES = np.array([3, 4, 5, 6, 8, 9, 10, 11, 13, 14, 15, 16])
_TAGS = np.array([0, 1, 2, 7, 12])
_TAG_VALUES = np.array([0x0A, 0x0F, 0x0D, 0x15, 0x1D], dtype=np.uint8)


class MeshGraph:
    """Follows one face from picture to picture. Belongs to one thread; `close` frees its threads and memory."""

    def __init__(self, mediapipe: Any) -> None:
        """`mediapipe` is the imported package. Raises what MediaPipe raises: `RuntimeError`, `ValueError`, `OSError`."""
        self._mediapipe = mediapipe
        self._found: Any = None
        self._clock_us = 0
        root = Path(mediapipe.__file__).parent.parent
        mediapipe.resource_util.set_resource_dir(str(root))  # where the graph looks for its models
        self._graph = mediapipe.CalculatorGraph(binary_graph_path=str(root / _GRAPH))
        self._graph.observe_output_stream(_FACES, self._take, observe_timestamp_bounds=True)
        packets = mediapipe.packet_creator
        self._graph.start_run(
            {
                "num_faces": packets.create_int(1),
                "with_attention": packets.create_bool(True),
                "use_prev_landmarks": packets.create_bool(True),
            }
        )

    def landmarks(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """(478, 3) float32 as normalised by the size of the picture (height, width, 3) uint8; None without a face. A
        picture that cannot be written to is not copied."""
        mediapipe = self._mediapipe
        self._found = None
        self._clock_us += _FRAME_US
        picture = mediapipe.packet_creator.create_image_frame(rgb, image_format=mediapipe.ImageFormat.SRGB)
        self._graph.add_packet_to_input_stream(stream=_IMAGE, packet=picture.at(self._clock_us))
        self._graph.wait_until_idle()
        if self._found is None or self._found.is_empty():
            return None
        faces = mediapipe.packet_getter.get_proto_list(self._found)
        return parse_landmarks(faces[0]) if faces else None

    def close(self) -> None:
        """Frees the native memory, which goes with the last reference to the graph."""
        self._graph.close()
        self._graph = None

    def _take(self, _: str, packet: Any) -> None:
        self._found = packet


def parse_landmarks(found: Any) -> NDArray[np.float32]:
    """(478, 3) float32 as normalised by the image's size.

    Read from the serialised message: a tenth of the time that 1,434 attribute reads take. Falls back to them when the
    layout is another.
    """
    packed = np.frombuffer(found.SerializeToString(), np.uint8)
    if packed.size == LANDMARK_COUNT * _LANDMARK_BYTES:
        rows = packed.reshape(LANDMARK_COUNT, _LANDMARK_BYTES)
        if (rows[:, _TAGS] == _TAG_VALUES).all():
            return np.ascontiguousarray(rows[:, _FLOAT_BYTES]).view("<f4")
    return np.array([(point.x, point.y, point.z) for point in found.landmark], dtype=np.float32)

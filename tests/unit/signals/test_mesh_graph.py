"""The driver of MediaPipe's graph without MediaPipe: how landmarks are read, and what comes of a picture without a face."""

from __future__ import annotations

import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from medauth.signals.mesh_graph import MeshGraph, parse_landmarks

POINTS = np.random.default_rng(3).uniform(0, 1, (478, 3)).astype(np.float32)


class Message:
    """A landmark list as protobuf gives it."""

    def __init__(self, tag: int = 0x0D) -> None:
        self.landmark = [SimpleNamespace(x=x, y=y, z=z) for x, y, z in POINTS.tolist()]
        self._tag = tag

    def SerializeToString(self) -> bytes:  # noqa: N802
        rows = (struct.pack("<BBBfBfBf", 0x0A, 15, self._tag, x, 0x15, y, 0x1D, z).hex() for x, y, z in POINTS.tolist())
        return bytes.fromhex("".join(rows))


def test_landmarks_are_read_from_the_serialised_form():
    message = Message()
    message.landmark = []
    np.testing.assert_array_equal(parse_landmarks(message), POINTS)


def test_another_layout_is_read_attribute_by_attribute():
    np.testing.assert_allclose(parse_landmarks(Message(tag=0x25)), POINTS)


class Packet:
    def __init__(self, faces: list[Message] | None) -> None:
        self.faces = faces

    def is_empty(self) -> bool:
        return self.faces is None

    def at(self, clock_us: int) -> tuple[int, Packet]:
        return clock_us, self


class Graph:
    """Answers every picture with the next of the scripted faces."""

    def __init__(self, answers: list[Packet | None]) -> None:
        self.answers = answers
        self.clock: list[int] = []
        self.closed = 0

    def observe_output_stream(self, _: str, take: Callable[[str, Packet], None], **__: bool) -> None:
        self.take = take

    def start_run(self, side_packets: dict[str, Any]) -> None:
        self.side_packets = side_packets

    def add_packet_to_input_stream(self, stream: str, packet: tuple[int, Packet]) -> None:
        self.clock.append(packet[0])

    def wait_until_idle(self) -> None:
        answer = self.answers.pop(0)
        if answer is not None:
            self.take("multi_face_landmarks", answer)

    def close(self) -> None:
        self.closed += 1


def started(*answers: Packet | None) -> tuple[MeshGraph, Graph]:
    graph = Graph(list(answers))
    creator = SimpleNamespace(create_int=int, create_bool=bool, create_image_frame=lambda *_, **__: Packet(None))
    mediapipe = SimpleNamespace(
        __file__="/packages/mediapipe/__init__.py",
        resource_util=SimpleNamespace(set_resource_dir=str),
        CalculatorGraph=lambda binary_graph_path: graph,
        packet_creator=creator,
        packet_getter=SimpleNamespace(get_proto_list=lambda packet: packet.faces),
        ImageFormat=SimpleNamespace(SRGB=1),
    )
    return MeshGraph(mediapipe), graph


PICTURE = np.zeros((64, 64, 3), np.uint8)


def test_a_face_of_an_earlier_picture_is_not_given_again():
    mesh, graph = started(Packet([Message()]), Packet(None), None, Packet([]))
    first = mesh.landmarks(PICTURE)
    assert first is not None
    np.testing.assert_array_equal(first, POINTS)
    assert [mesh.landmarks(PICTURE) for _ in range(3)] == [None, None, None]
    assert graph.clock == sorted(set(graph.clock))


def test_one_face_with_irises_is_followed_and_nothing_is_left_after_closing():
    mesh, graph = started()
    assert graph.side_packets == {"num_faces": 1, "with_attention": True, "use_prev_landmarks": True}
    mesh.close()
    assert (graph.closed, mesh._graph) == (1, None)

"""Every face of a picture and what it expresses: what `medauth analyze` adds for a picture, which may show several people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from medauth.bootstrap import Medauth
from medauth.cli.bundle import write_file

if TYPE_CHECKING:
    from medauth.desktop.picture_reader import PictureReader, ReadFace

FILE = "faces.png"
_LEAST_LETTERS_PX = 11


class PictureFaces:
    """Loads detectors and mesh with the first picture. A context manager; one thread."""

    def __init__(self, auth: Medauth, detector: str) -> None:
        """`detector` as in `--detector`; `mesh`, which follows one face, is every detector here."""
        self._auth = auth
        self._detector = "every" if detector == "mesh" else detector
        self._reader: PictureReader | None = None

    def look(self, path: Path, folder: Path) -> list[dict[str, Any]]:
        """The faces, the largest first, written into the folder as a picture. Raises `InputError`."""
        from medauth.desktop.gallery import opened
        from medauth.desktop.picture_reader import PictureReader
        from medauth.sensing import emotion_reader, face_finder

        if self._reader is None:
            finder = face_finder(self._auth.settings, self._detector)
            self._reader = PictureReader(finder, emotion_reader(self._auth.settings, self._auth.models))
        image = opened(path)
        faces = self._reader.read(image)
        if faces:
            write_file(folder / FILE, _drawn(image, faces))
        return [_stated(face) for face in faces]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._reader is not None:
            self._reader.close()


def in_words(faces: Sequence[dict[str, Any]]) -> str:
    """`happiness 0.98; neutral 0.61`, the largest first."""
    return "; ".join(f"{face['expression']} {face['probability']:.2f}" for face in faces)


def _stated(face: ReadFace) -> dict[str, Any]:
    box = face.box
    return {
        "box": [round(value) for value in (box.left, box.top, box.right, box.bottom)],
        "expression": face.expression,
        "probability": round(face.confidence, 3),
        "emotions": {name: round(value, 3) for name, value in face.emotions.items()},
    }


def _drawn(image: Any, faces: Sequence[ReadFace]) -> bytes:
    import cv2

    from medauth.report.overlay import put_text

    picture = image.copy()
    letters = max(_LEAST_LETTERS_PX, picture.shape[0] // 45)
    for face in faces:
        left, top, right, bottom = (
            round(value) for value in (face.box.left, face.box.top, face.box.right, face.box.bottom)
        )
        cv2.rectangle(picture, (left, top), (right, bottom), (255, 255, 255), 2)
        said, base = f"{face.expression} {face.confidence:.0%}", (max(0, left), max(letters + 2, top - letters // 2))
        put_text(picture, said, base, letters, (255, 255, 255), outline=True)
    return bytes(cv2.imencode(".png", picture)[1].tobytes())

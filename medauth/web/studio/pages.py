"""The studio: a picture, a clip or some seconds of the camera are looked at, freely; nothing is asked, so nobody is live."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, g, jsonify, render_template, request, send_file

from medauth.errors import NotFound
from medauth.service.access import Scope
from medauth.web.desk.sign_in import Desk, guarded
from medauth.web.pages import require_csrf
from medauth.web.problems import Problem
from medauth.web.studio.takes import FILM, MAX_UPLOAD_BYTES, RESULT, Take, Takes, TakeState
from medauth.web.studio.work import LONGEST_MS


class Studio:
    """The pages, one method each."""

    def __init__(self, takes: Takes, detectors: Sequence[str]) -> None:
        self._takes = takes
        self._detectors = detectors

    def page(self) -> str:
        """Where a recording is dropped or filmed."""
        return render_template(
            "studio/studio.html",
            most_bytes=MAX_UPLOAD_BYTES,
            longest_s=LONGEST_MS // 1_000,
            detectors=self._detectors,
        )

    def begin(self) -> tuple[Response, int]:
        """Takes an upload in."""
        request.max_content_length = MAX_UPLOAD_BYTES
        require_csrf()
        if request.mimetype != "application/octet-stream":
            raise Problem(415, "content-type", "not a file", "send it as application/octet-stream")
        length = request.content_length or 0
        if not 0 < length <= MAX_UPLOAD_BYTES:
            raise Problem(413, "size", "nothing, or too much", f"1 to {MAX_UPLOAD_BYTES} bytes, with their number")
        detector = request.args.get("detector", self._detectors[0])
        if detector not in self._detectors:
            raise Problem(400, "detector", "no such face detector", " ".join(self._detectors))
        stream: Any = request.stream
        return jsonify(self._takes.begin(g.desk_access.access_id, stream, length, detector).to_json()), 202

    def state(self, take_id: str) -> Any:
        """How far it is."""
        return jsonify(self._mine(take_id).to_json())

    def result(self, take_id: str) -> Response:
        """What was found."""
        return _unkept(send_file(self._file(take_id, RESULT), mimetype="application/json"))

    def film(self, take_id: str) -> Response:
        """The recording with the findings drawn on it, in a form that browsers play."""
        return _unkept(send_file(self._file(take_id, FILM), mimetype="video/webm", conditional=True))

    def stop(self, take_id: str) -> tuple[str, int]:
        """Ends it and removes all of it."""
        require_csrf()
        self._takes.stop(self._mine(take_id))
        return "", 204

    def _mine(self, take_id: str) -> Take:
        return self._takes.of(g.desk_access.access_id, take_id)

    def _file(self, take_id: str, name: str) -> Path:
        take = self._mine(take_id)
        if take.state is not TakeState.DONE or not (take.folder / name).is_file():
            raise NotFound("there is no such file of this take", expected="a take that is done")
        return take.folder / name


def _unkept(response: Response) -> Response:
    """No browser keeps a face: for files Flask says `no-cache`, which lets them lie on its disk."""
    response.headers["Cache-Control"] = "no-store"
    return response


def studio_blueprint(takes: Takes, desk: Desk, detectors: Sequence[str]) -> Blueprint:
    """Pages under `/studio`, for keys of scope `operator`; `detectors` may find the face, the first one unless asked."""
    blueprint = guarded(Blueprint("studio", __name__, url_prefix="/studio"), desk, Scope.OPERATOR)
    studio, take = Studio(takes, detectors), "/takes/<take_id>"
    blueprint.get("")(studio.page)
    blueprint.post("/takes")(studio.begin)
    blueprint.get(take)(studio.state)
    blueprint.get(f"{take}/{RESULT}")(studio.result)
    blueprint.get(f"{take}/{FILM}")(studio.film)
    blueprint.delete(take)(studio.stop)
    return blueprint

"""`<medauth-check>` as one file: its parts in `static/check/`, joined, so that one script tag and one digest embed it.

Each part is a plain JavaScript module of its own; joining drops the imports between them, which name only parts that
stand before, and the exports. Nothing is compiled.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, request

from medauth.errors import ConfigError

ADDRESS = "/medauth-check.js"
_FOLDER = Path(__file__).parent / "static" / "check"
PARTS = (
    "words.js",
    "pictures.js",
    "sounds.js",
    "device.js",
    "camera.js",
    "microphone.js",
    "line.js",
    "passkey.js",
    "look.js",
    "element.js",
)
"""In the order of what they need."""
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([a-z]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:class|const|function|async function) )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Component:
    """The joined file."""

    code: bytes

    @classmethod
    def read(cls, folder: Path = _FOLDER) -> Component:
        """Joins the parts. Raises `ConfigError` for a part that needs a later one, or whose form joining cannot keep."""
        seen: list[str] = []
        joined: list[str] = []
        for name in PARTS:
            text = (folder / name).read_text()
            if late := set(_IMPORT.findall(text)) - set(seen):
                raise ConfigError(f"{name} needs {min(late)}, which comes later", expected="an earlier part")
            text = _EXPORT.sub("", _IMPORT.sub("", text))
            if re.search(r"^(?:import|export)\b", text, re.MULTILINE):
                raise ConfigError(f"{name} has an import or export of another form", expected="one that can be joined")
            seen.append(name)
            joined.append(text)
        return cls("\n".join(joined).encode())

    @property
    def integrity(self) -> str:
        """For the `integrity` attribute of a script tag (W3C Subresource Integrity)."""
        return "sha384-" + base64.b64encode(hashlib.sha384(self.code).digest()).decode()

    def serve(self, app: Flask) -> None:
        """Serves the file to every site: there is nothing secret in it."""
        etag = hashlib.sha256(self.code).hexdigest()[:32]

        @app.get(ADDRESS)
        def _component() -> Response:
            response = Response(self.code, content_type="text/javascript; charset=utf-8")
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            response.headers["Cache-Control"] = "public, max-age=300"
            response.set_etag(etag)
            response.make_conditional(request)
            return response

        app.jinja_env.globals["component_address"] = ADDRESS
        app.jinja_env.globals["component_integrity"] = self.integrity

"""The REST API as an OpenAPI 3.1 document."""

from __future__ import annotations

from typing import Any


def document(url: str) -> dict[str, Any]:
    """The document, for the server at this address."""
    return {"openapi": "3.1.0", "info": {"title": "medauth", "version": "1"}, "servers": [{"url": url}], "paths": {}}

"""The API against its own document: schemathesis makes requests up and holds every answer to what the document says."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from medauth.bootstrap import open as open_medauth
from medauth.config import Settings
from medauth.service.access import Scope
from medauth.serving import accesses_of
from medauth.web import factory
from medauth.web.limits import Limit

EXAMPLES = 25


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, dict[str, str]]]:
    """The document as the app serves it. Nothing is limited: hundreds of requests come from one address."""
    folder: Path = tmp_path_factory.mktemp("api")
    with pytest.MonkeyPatch.context() as patch, open_medauth(Settings(data_dir=folder)) as auth:
        patch.setattr(Limit, "wait_ms", lambda *_: 0.0)
        app: Flask = factory.create_app(auth)
        _, key = accesses_of(auth).grant("schemathesis", list(Scope), ["standard", "no-flash"])
        loaded = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
        yield loaded, {"Authorization": f"Bearer {key}"}


def test_answers_are_as_the_document_says(served: tuple[Any, dict[str, str]]) -> None:
    schema, headers = served
    operations = [found.ok() for found in schema.get_all_operations()]
    described = {operation.label.split()[1] for operation in operations}
    assert set(schema.raw_schema["paths"]) - described == {"/api/v1/openapi.json"}, "which it leaves out by itself"
    for operation in operations:
        for mode in GenerationMode:

            @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy(generation_mode=mode))
            def _hold(case: Any) -> None:
                assume(not _holds_float(case.body))
                case.call_and_validate(headers=headers)

            with contextlib.suppress(Unsatisfiable):  # nothing wrong can be said to an address without parameters
                _hold()


def _holds_float(value: Any) -> bool:
    """JSON Schema takes 7.0 for an integer; what comes in from outside is held to RFC 8785 without floats, and says so."""
    if isinstance(value, dict | list):
        return any(map(_holds_float, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)

"""`medauth serve`: the verifier in the browser."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from medauth.bootstrap import open as open_medauth
from medauth.cli.console import console, print_title, reporting
from medauth.config import Settings
from medauth.errors import MissingTool


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default: MEDAUTH_WEB_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; default: MEDAUTH_WEB_PORT.", min=0, max=65_535)
    ] = None,
) -> None:
    """Serve live checks in the browser: pages, REST API, live connections, metrics. Ends with Ctrl+C.

    On this machine alone, http://127.0.0.1:8300 is all it takes. For others to reach it, set MEDAUTH_WEB_HOST,
    MEDAUTH_WEB_URL (https) and MEDAUTH_WEB_SECRET.
    """
    with reporting(as_json=False):
        try:
            from medauth.web.safety import public_url, secret_key
            from medauth.web.server import serve as serve_app
        except ImportError as error:
            raise MissingTool(
                f"the server's packages are not installed: {error.name}",
                expected="the extra `web`",
                next_step="pip install 'medauth[web]'",
            ) from error
        settings = Settings.from_env()
        settings = replace(settings, web_host=host or settings.web_host)
        settings = replace(settings, web_port=settings.web_port if port is None else port)
        # Before the fork: what must not start says so here, and keys and mirror exist when the worker begins.
        with open_medauth(settings) as auth:
            secret_key(settings, auth.keyring)
            auth.keyring.trusted()
            _ = auth.store
        serve_app(settings, lambda: _announce(public_url(settings), local=settings.web_is_local))


def _announce(url: str, *, local: bool) -> None:
    print_title(f"medauth serves at {url}")
    if local:
        console.print(f"  a check of yourself   {url}/", style="dim")
    console.print(f"  operators, auditors   {url}/sign-in", style="dim")
    console.print(f"  API document          {url}/api/v1/openapi.json", style="dim")
    console.print(f"  health                {url}/readyz", style="dim")
    console.print("  stop with Ctrl+C", style="dim")

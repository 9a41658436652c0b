"""All pages for operators and auditors, behind one door."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Blueprint

from medauth.sensing import detectors_here
from medauth.serving import accesses_of
from medauth.web.auditor.pages import AuditPages, auditor_blueprint
from medauth.web.console.docket import Docket
from medauth.web.console.pages import console_blueprint
from medauth.web.desk.sign_in import Desk, desk_blueprint
from medauth.web.limits import Limit
from medauth.web.studio.pages import studio_blueprint
from medauth.web.studio.takes import Takes

if TYPE_CHECKING:
    from medauth.bootstrap import Medauth


def staff_blueprint(auth: Medauth, clock_ms: Callable[[], float]) -> Blueprint:
    """The door and what lies behind it."""
    pages = Limit(burst=120, per_s=20, clock_ms=clock_ms)
    tries = Limit(burst=5, per_s=0.1, clock_ms=clock_ms)
    desk = Desk(accesses_of(auth), auth.sources.now_ms, pages, tries)
    blueprint = Blueprint("staff", __name__)
    blueprint.add_app_template_filter(_utc, "utc")
    blueprint.register_blueprint(desk_blueprint(desk))
    blueprint.register_blueprint(console_blueprint(Docket(auth), desk))
    asking = Limit(burst=10, per_s=0.5, clock_ms=clock_ms)
    blueprint.register_blueprint(auditor_blueprint(AuditPages(auth, asking), desk))
    places = {"MEDAUTH_DATA_DIR": str(auth.settings.data_dir), "MEDAUTH_MODELS_DIR": str(auth.settings.models_dir)}
    takes = Takes(clock_ms, places)
    blueprint.record_once(lambda state: state.app.extensions.update({"medauth.takes": takes}))
    blueprint.register_blueprint(studio_blueprint(takes, desk, detectors_here(auth.settings)))
    return blueprint


def _utc(milliseconds: int | None) -> str:
    return "–" if milliseconds is None else f"{datetime.fromtimestamp(milliseconds / 1_000, UTC):%Y-%m-%d %H:%M:%S}"

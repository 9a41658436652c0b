"""The auditor's pages: a bundle is verified in the browser itself, then held against chain and log; the ledger at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Blueprint, jsonify, render_template, request
from werkzeug.wrappers import Response

from medauth.auditing import trust_file
from medauth.errors import LedgerError
from medauth.evidence.verifier import StepState
from medauth.report.audit_report import audit_json
from medauth.service.access import Scope
from medauth.service.log_state import state_of_log
from medauth.service.standing import standing_of
from medauth.store.interface import MAIN_LOG, REHEARSAL_LOG
from medauth.web.callers import refuse_while
from medauth.web.desk.sign_in import Desk, guarded
from medauth.web.limits import Limit

if TYPE_CHECKING:
    from medauth.bootstrap import Medauth

_VERIFIER = Path(__file__).parents[2] / "evidence" / "verifier.mjs"
_DOWNLOAD = 'attachment; filename="trust.json"'


class AuditPages:
    """One method each. `asking` bounds how often one address has the chain asked."""

    def __init__(self, auth: Medauth, asking: Limit) -> None:
        self._auth = auth
        self._asking = asking
        self._code = _VERIFIER.read_bytes()

    def page(self) -> str:
        """Where a bundle is dropped."""
        return render_template("auditor/auditor.html")

    def verifier(self) -> Response:
        """The verifier itself, as a stranger would take it from the source."""
        return Response(self._code, content_type="text/javascript; charset=utf-8")

    def trust(self) -> Response:
        """What this server says should be trusted: a stranger brings a file of their own."""
        response = Response(trust_file(self._auth).to_bytes(), content_type="application/json")
        response.headers["Content-Disposition"] = _DOWNLOAD
        return response

    def record(self, record_id: str) -> Any:
        """The audit of one record against bytes, log and chain, and where it stands."""
        refuse_while(self._asking.wait_ms(request.remote_addr or ""))
        auth = self._auth
        row, found = auth.store.record(record_id), auth.auditor().record(record_id)
        asked = any((step.name, step.state) == ("chain", StepState.HOLDS) for step in found.steps)
        revoked = auth.chains.leaf_on_chain(row).revocation if asked else None
        return jsonify(
            audit=audit_json(found),
            log=row.log,
            leaf_index=row.leaf_index,
            standing=str(standing_of(row, auth.store)),
            revoked=None if revoked is None else str(revoked),
        )

    def ledger(self) -> str:
        """Every log: contract, checkpoints, what waits and for how long. The chain is asked when that is wished."""
        auth, asks = self._auth, request.args.get("ask") == "chain"
        if asks:
            refuse_while(self._asking.wait_ms(request.remote_addr or ""))
        delay_s = auth.settings.max_merge_delay_s
        states = [
            state_of_log(log, auth.store, auth.store, max_merge_delay_s=delay_s)
            for log in (MAIN_LOG, REHEARSAL_LOG)
            if log in auth.store.logs()
        ]
        heads = {state.log: self._head(state.log) for state in states if asks and state.contract}
        return render_template(
            "auditor/ledger.html", states=states, heads=heads, asked=asks, now_ms=auth.sources.now_ms()
        )

    def _head(self, log: str) -> Mapping[str, Any]:
        try:
            head = self._auth.chains.head(log)
        except LedgerError as error:
            return {"trouble": error.code}
        return {"size": head.size if head else 0}


def auditor_blueprint(pages: AuditPages, desk: Desk) -> Blueprint:
    """For keys of scope `auditor` or `operator`."""
    blueprint = guarded(Blueprint("auditor", __name__), desk, Scope.AUDITOR, Scope.OPERATOR)
    blueprint.get("/auditor")(pages.page)
    blueprint.get("/auditor/verifier.mjs")(pages.verifier)
    blueprint.get("/auditor/trust.json")(pages.trust)
    blueprint.get("/auditor/records/<record_id>")(pages.record)
    blueprint.get("/ledger")(pages.ledger)
    return blueprint

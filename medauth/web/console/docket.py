"""What the console's pages ask for, over one server's services."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from medauth.errors import NotFound
from medauth.evaluation.metrics import Rate, wilson_rate
from medauth.protocol.reading import SignalReading
from medauth.protocol.verdict import Decision
from medauth.report.check_sheet import Sheet, sheet_pdf
from medauth.service.casework import Casework, Finding
from medauth.service.explaining import PREFIX
from medauth.service.labelling import GENUINE, Labelling
from medauth.service.pictures import pictures_of
from medauth.service.standing import standing_of
from medauth.serving import register_of
from medauth.store.interface import RecordRow
from medauth.store.register_interface import Listed, Wanted

if TYPE_CHECKING:
    from medauth.bootstrap import Medauth

MOST_LABELLED = 5_000
"""In one table; the newest."""


class Docket:
    """One server's checks, for its operator."""

    def __init__(self, auth: Medauth) -> None:
        self.auth = auth
        self.register = register_of(auth)
        self.casework = Casework(auth.store, auth.blobs, auth.keyring)
        self.labelling = Labelling(self.register, auth.store, auth.sources.now_ms)

    def subject_tag(self, subject: str) -> bytes:
        """By what the mirror knows an app's subject."""
        return self.auth.keyring.tag("subject", subject)

    def finding(self, check_id: str) -> Finding:
        """Raises `NotFound` for a check without a verdict, or whose verdict was erased."""
        finding = self.casework.case(check_id).finding
        if finding is None:
            raise NotFound("no verdict of this check", expected="a check that ended in one and was not erased")
        return finding

    def picture_names(self, finding: Finding) -> list[str]:
        """Heat maps, then kept frames, as `picture` takes them."""
        heat = [name for name in finding.statement["blobs"] if name.startswith(PREFIX)]
        return heat + [f"frame-{index:05d}.jpg" for index, _, _ in finding.statement["frames"]["kept"]]

    def picture(self, finding: Finding, name: str) -> bytes | None:
        """Opened from under seal and held to its digest."""
        return self._pictures(finding).get(name)

    def standing(self, record: RecordRow) -> str:
        """How far a record has come on its way to the chain."""
        return str(standing_of(record, self.auth.store))

    def report(self, check_id: str, finding: Finding) -> bytes:
        """The printable report."""
        label = self.register.label_of(check_id)
        return sheet_pdf(
            Sheet(
                self.casework.case(check_id),
                finding,
                self.casework.traces(finding),
                self._pictures(finding),
                self.standing(finding.record),
                label.label if label else "",
            )
        )

    def rates(self) -> list[tuple[str, Rate]]:
        """Error rates over labelled checks that were decided: genuine ones refused, and every kind of attack let in."""
        counted: dict[str, list[int]] = {}
        for label, outcome, number in self.register.labelled():
            if outcome not in {Decision.LIVE, Decision.NOT_LIVE, Decision.INCONCLUSIVE}:
                continue
            wrong = (outcome != Decision.LIVE) == (label == GENUINE)
            hits, total = counted.setdefault(label, [0, 0])
            counted[label] = [hits + number * wrong, total + number]
        return [(label, wilson_rate(hits, total)) for label, (hits, total) in counted.items()]

    def labelled(self) -> Iterator[tuple[Listed, Sequence[SignalReading]]]:
        """Labelled checks with what their signals said, newest first."""
        for row in self.register.found(Wanted(labelled=True), MOST_LABELLED):
            finding = self.casework.case(row.check_id).finding
            if finding is not None:
                yield row, finding.readings

    def _pictures(self, finding: Finding) -> dict[str, bytes]:
        return pictures_of(finding.record.record_id, self.auth.store, self.auth.blobs, self.auth.keyring)

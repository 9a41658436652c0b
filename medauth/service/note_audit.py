"""The signed notes of a log's checkpoints, and their time stamps: what strangers are handed beside a record's proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from medauth.errors import EvidenceError
from medauth.evidence.note import CheckpointNote, origin_of
from medauth.evidence.verifier import CheckedStep, StepState
from medauth.service.audit import step
from medauth.service.head_audit import HeadAudit
from medauth.store.interface import AnchorStore, CheckpointRow, CheckpointState, Keyring
from medauth.store.reading import LogReader


class NoteAudit:
    """Audits notes over ports. Without `stamped_ms` no authority is trusted, and time stamps are passed over."""

    def __init__(
        self,
        anchors: AnchorStore,
        reader: LogReader,
        keyring: Keyring,
        stamped_ms: Callable[[bytes, bytes], int] | None = None,
        heads: HeadAudit | None = None,
    ) -> None:
        self._anchors = anchors
        self._reader = reader
        self._stamped_ms = stamped_ms
        self._heads = heads
        self._keys = tuple(keyring.trusted().values())
        self._retired = keyring.retired()

    def steps(self, log: str) -> Iterator[CheckedStep]:
        """`head`, where one is remembered; `checkpoint`, and `time stamp` where the log has one. The last two end with the
        first that fails.
        """
        if self._heads is not None:
            yield self._heads.step(log)
        stamps = [0]
        signed = step("checkpoint", lambda: self._all_signed(log))
        yield signed
        if signed.state is StepState.HOLDS:
            stamped = step("time stamp", lambda: self._all_stamped(log, stamps))
            if stamps[0]:
                yield stamped

    def _all_signed(self, log: str) -> str:
        count, final = 0, self._heads.final_size(log) if self._heads else 0
        for row, note in self._noted(log):
            if row.new_size <= final:
                _require_still_final(row, note)
            if note is None:
                continue
            identity = self._anchors.contract_over(log, row.new_size)
            if identity is None or note.origin != origin_of(identity.log_id):
                raise EvidenceError(
                    f"the note of checkpoint {row.seq} is about {note.origin[:80]}", expected=f"log {log}"
                )
            if (note.size, note.root) != (row.new_size, row.root):
                raise EvidenceError(
                    f"the note of checkpoint {row.seq} is for another head of log {log}",
                    expected=f"{row.new_size} leaves under {row.root.hex()}",
                )
            signer = note.verified(self._keys)
            if note.size > self._retired.get(signer.key_id, note.size):
                raise EvidenceError(f"{note.size} leaves, signed by a retired key", expected="a key in use")
            count += 1
        return f"{count} checkpoints of log {log} are signed for strangers"

    def _all_stamped(self, log: str, stamps: list[int]) -> str:
        marks = self._heads.stamped(log) if self._heads else {}
        for row, note in self._noted(log):
            tokens = {stamp.authority: stamp.token for stamp in self._anchors.stamps(log, row.seq)}
            lost = [name for name, size in marks.items() if row.new_size <= size and name not in tokens]
            stamps[0] += len(tokens) + len(lost)
            if lost:
                raise EvidenceError(
                    f"checkpoint {row.seq} of log {log} lost its time stamp by {lost[0]}",
                    expected="the one it was given",
                )
            if self._stamped_ms is not None and note is not None:
                for token in tokens.values():
                    self._stamped_ms(token, note.to_text().encode())
        return f"{stamps[0]} time stamps" + ("" if self._stamped_ms else " passed over: no authority is trusted")

    def _noted(self, log: str) -> Iterator[tuple[CheckpointRow, CheckpointNote | None]]:
        for row in self._reader.live_checkpoints(log):
            note = self._anchors.note(log, row.seq)
            yield row, CheckpointNote.from_text(note.text) if note else None


def _require_still_final(row: CheckpointRow, note: CheckpointNote | None) -> None:
    """Checkpoints are signed in order, each once it is final: so says the remembered head of all below it."""
    if row.state is not CheckpointState.FINAL:
        raise EvidenceError(f"checkpoint {row.seq} of log {row.log} is {row.state}", expected="final, as it was before")
    if note is None:
        raise EvidenceError(f"checkpoint {row.seq} of log {row.log} lost its signed note", expected="the signed one")

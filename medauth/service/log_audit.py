"""A log as a whole: leaves without gaps, records for each, every checkpoint's root rebuilt, all of them on chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from medauth.errors import EvidenceError, MedauthError
from medauth.evidence.merkle import RunningRoot
from medauth.evidence.verifier import CheckedStep, StepState
from medauth.store.interface import AnchorStore, CheckpointRow, CheckpointState, RecordStore


def live_checkpoints(anchors: AnchorStore, log: str) -> list[CheckpointRow]:
    """Every checkpoint that did not fail, in order."""
    return [row for row in anchors.checkpoints(log) if row.state is not CheckpointState.FAILED]


def log_steps(
    log: str,
    records: RecordStore,
    checkpoints: Sequence[CheckpointRow],
    size_on_chain: Callable[[bytes], int | None] | None,
) -> Iterator[CheckedStep]:
    """Two steps, `log` and `chain`; the second is left out when the first fails."""
    by_size = {checkpoint.new_size: checkpoint for checkpoint in checkpoints}
    try:
        count = _rebuild(log, records, by_size)
    except MedauthError as error:
        yield CheckedStep("log", StepState.FAILS, str(error))
        return
    covered = max(by_size, default=0)
    yield CheckedStep(
        "log", StepState.HOLDS, f"{count} leaves rebuilt, {len(by_size)} checkpoints over {covered} of them"
    )
    if size_on_chain is None:
        yield CheckedStep("chain", StepState.SKIPPED, "no chain was asked")
        return
    try:
        yield CheckedStep("chain", StepState.HOLDS, _all_on_chain(log, checkpoints, size_on_chain))
    except MedauthError as error:
        yield CheckedStep("chain", StepState.FAILS, str(error))


def _rebuild(log: str, store: RecordStore, checkpoints: Mapping[int, CheckpointRow]) -> int:
    """Hashes all leaves again, in order, and compares each checkpoint's root as it is passed."""
    running = RunningRoot()
    records = iter(store.records(log))
    for leaf in store.leaves(log):
        if leaf.index != running.size:
            raise EvidenceError(f"leaf {running.size} of log {log} is missing", expected="a log without gaps")
        record = next(records, None)
        if record is None or (record.leaf_index, record.record_id) != (leaf.index, leaf.record_id):
            raise EvidenceError(f"leaf {leaf.index} of log {log} has no record", expected=leaf.record_id)
        running.append(leaf.leaf)
        checkpoint = checkpoints.get(running.size)
        if checkpoint is not None and checkpoint.root != running.root():
            raise EvidenceError(
                f"the leaves of log {log} do not give checkpoint {checkpoint.seq}", expected=checkpoint.root.hex()
            )
    extra = next(records, None)
    if extra is not None:
        raise EvidenceError(f"record {extra.record_id} has no leaf", expected="a leaf for every record")
    beyond = [row for row in checkpoints.values() if row.new_size > running.size]
    if beyond:
        raise EvidenceError(
            f"log {log} ends after {running.size} leaves",
            expected=f"{beyond[0].new_size}, as checkpoint {beyond[0].seq} says",
        )
    return running.size


def _all_on_chain(log: str, checkpoints: Sequence[CheckpointRow], size_on_chain: Callable[[bytes], int | None]) -> str:
    done = [row for row in checkpoints if row.state in {CheckpointState.ANCHORED, CheckpointState.FINAL}]
    for row in done:
        if size_on_chain(row.root) != row.new_size:
            raise EvidenceError(f"checkpoint {row.seq} of log {log} is not on chain", expected=f"root {row.root.hex()}")
    return f"{len(done)} checkpoints are on chain"

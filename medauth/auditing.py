"""Audits of whole logs and of receipts, wired; apart from `bootstrap.py`, since each process of an audit opens it anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from medauth.bootstrap import Medauth, Sources
from medauth.bootstrap import open as open_medauth
from medauth.config import Settings
from medauth.evidence.trust import Contracts, TrustFile
from medauth.service.disclosure import contract_of
from medauth.service.epochs import require_connected
from medauth.service.head_audit import HeadAudit
from medauth.service.log_audit import LogAudit
from medauth.service.note_audit import NoteAudit
from medauth.service.rebuild import Rebuilding
from medauth.service.receipts import ReceiptAudit
from medauth.service.retired_audit import RetiredKeyAudit
from medauth.service.sweep import Depth, Sweep
from medauth.service.sweeping import in_processes, in_this_process
from medauth.store.interface import CheckpointState


def log_audit(auth: Medauth, *, ask_chain: bool = True, depth: Depth = Depth.FULL, processes: int = 1) -> LogAudit:
    """Audits whole logs, shared by several processes where the mirror lies where they can open it too."""
    if processes > 1 and ":memory:" not in auth.settings.mirror_url:
        sweep_all = in_processes(processes, partial(_open_sweep, auth.settings, depth), _sweep(auth, depth))
    else:
        sweep_all = in_this_process(_sweep(auth, depth))
    notes = NoteAudit(auth.store, auth.store, auth.keyring, _stamped_ms(auth), head_audit(auth, ask_chain=ask_chain))
    chain, retired = auth.chains if ask_chain else None, RetiredKeyAudit(auth.store, auth.keyring)
    return LogAudit(auth.store, auth.store, sweep_all, notes, chain, Sources().now_ms, retired)


def head_audit(auth: Medauth, *, ask_chain: bool = True) -> HeadAudit:
    """Holds logs to what is remembered of them outside the mirror."""
    own_head = auth.chains.own_head if ask_chain else None
    return HeadAudit(auth.heads, auth.store, auth.store, auth.keyring, own_head)


def rebuilding(auth: Medauth, log: str) -> Rebuilding:
    """Builds a log again from its bundles, to be compared with the mirror."""
    return Rebuilding(log, auth.store, auth.store, auth.store, auth.keyring)


def receipt_audit(auth: Medauth, *, ask_chain: bool = True) -> ReceiptAudit:
    """Holds receipts of started checks against the log."""
    ask = auth.chains.size_on_chain if ask_chain else None
    return ReceiptAudit(auth.store, auth.store, auth.keyring, ask, Sources().now_ms)


def _stamped_ms(auth: Medauth) -> Callable[[bytes, bytes], int] | None:
    certificates = auth.time_stamp_certificates
    if not certificates:
        return None
    from medauth.ledger.timestamp import TrustedAuthorities

    return TrustedAuthorities(certificates).stamped_ms


def _sweep(auth: Medauth, depth: Depth) -> Sweep:
    return Sweep(auth.store, auth.blobs, auth.keyring, depth)


def _open_sweep(settings: Settings, depth: Depth) -> Sweep:
    """In a process of its own."""
    return _sweep(open_medauth(settings), depth)


def trust_file(auth: Medauth) -> TrustFile:
    """What an auditor needs of this server: public keys, contracts, final checkpoints, authorities of time stamps."""
    final = {
        row.root: row.new_size
        for log in auth.store.logs()
        for row in auth.store.checkpoints(log)
        if row.state is CheckpointState.FINAL
    }
    keys, retired = auth.keyring.trusted().values(), auth.keyring.retired()
    return TrustFile.of(keys, final, own_contracts(auth), auth.time_stamp_certificates, retired)


def own_contracts(auth: Medauth) -> Contracts:
    """By log, the contracts that this server's own mirror is pinned to, those it has left first. Raises
    `LedgerIdentityChanged` where one of these does not lead to the next: somebody put it there.
    """
    pinned = [identity for log in auth.store.logs() if (identity := auth.store.chain_identity(log)) is not None]
    left = {present.log: auth.store.epochs(present.log) for present in pinned}
    for present in pinned:
        require_connected(present.log, left[present.log], present)
    return {
        present.log: tuple(contract_of(i) for i in (*(e.identity for e in left[present.log]), present))
        for present in pinned
    }

"""A small recorded world for tests: real store, keys, files and writer over a chain in memory; no camera, no model."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from medauth.evidence.archive import FILE, frame_entry
from medauth.evidence.commitment import FrameChain, microseconds
from medauth.evidence.statement import CheckIdentity, FrameSummary, KeptFrame, statement_digest
from medauth.ledger.interface import AnchoredCheckpoint, ChainIdentity, TimeStampAuthority
from medauth.ledger.memory import MemoryChain
from medauth.ledger.memory_node import contract_address
from medauth.protocol.ceremony import StepOutcome, StepResult
from medauth.protocol.challenge import Action, Challenge, scripted_step
from medauth.protocol.light import Colour, ColourShown, LightSequence, TimedColour
from medauth.protocol.performance import Measured
from medauth.protocol.policy import STANDARD, Policy
from medauth.protocol.reading import Outcome, SignalReading
from medauth.protocol.response import challenge_reading
from medauth.protocol.verdict import decide
from medauth.service.anchoring import AnchorOptions, AnchorWriter
from medauth.service.audit import Audit, Auditor
from medauth.service.chain_audit import ChainView
from medauth.service.head_audit import HeadAudit, OwnHead
from medauth.service.log_audit import LogAudit, LogReport
from medauth.service.notarising import Notary
from medauth.service.note_audit import NoteAudit
from medauth.service.receipts import ReceiptAudit
from medauth.service.retired_audit import RetiredKeyAudit
from medauth.service.sweep import Depth, Sweep
from medauth.service.sweeping import in_this_process
from medauth.service.verification import Conclusion, Recorded, StartedCheck, Verification
from medauth.store.blobs import FileBlobs
from medauth.store.database import migrate, open_engine
from medauth.store.heads import FileHeads
from medauth.store.interface import MAIN_LOG, ChainIdentityRow, NewPrint
from medauth.store.keyring import FileKeyring
from medauth.store.sql import SqlStore

START_MS = 1_700_000_000_000
HEAT_MAPS = {"heatmap.deepfake.png": b"\x89PNG" + bytes(range(200)), "heatmap.emotion.png": b"\x89PNG" + bytes(90)}
FRAMES, FRAME_MS, KEPT = 301, 80.0, 3
"""24 s: the last step closes before the last frame."""
STEPS = (
    scripted_step(Action.BLINK, 1, pause_ms=800),
    scripted_step(Action.SMILE, 0, pause_ms=900),
    scripted_step(Action.TURN_LEFT, 1, pause_ms=1_000),
    scripted_step(Action.OPEN_MOUTH, 1, pause_ms=800),
    scripted_step(Action.LOOK_UP, 0, pause_ms=900),
    scripted_step(Action.TURN_RIGHT, 0, pause_ms=1_000),
)
LIGHT = LightSequence(
    1,
    tuple(
        TimedColour(colour, 700)
        for colour in (Colour.WHITE, Colour.BLUE, Colour.ROSE, Colour.GREEN, Colour.CYAN, Colour.MAGENTA)
    ),
)
COLOURS = tuple(ColourShown(n, timed.colour, 3_400 + 700 * n, 20) for n, timed in enumerate(LIGHT.colours))
OTHER_READINGS = (
    SignalReading("capture", Outcome.PASS, "capture.clear", "The face was in clear view.", 990_000, {"frames": 40}),
    SignalReading("faces", Outcome.PASS, "faces.one", "One face was in view.", 0),
    SignalReading("identity", Outcome.PASS, "identity.same", "One person throughout.", 100_000),
    SignalReading(
        "presentation_attack",
        Outcome.PASS,
        "presentation_attack.none_seen",
        "Nothing of paper or a screen was seen.",
        90_000,
    ),
    SignalReading("injection", Outcome.PASS, "injection.none_seen", "Nothing was seen that only a program does.", 0),
    SignalReading("deepfake", Outcome.PASS, "deepfake.none_seen", "No traces of a painted face were seen.", 120_000),
    SignalReading("replay", Outcome.PASS, "replay.not_seen", "No earlier check moved as this one did.", 0),
    SignalReading("blink", Outcome.PASS, "blink.natural", "Two blinks.", 900_000, {"count": 2}),
    SignalReading("emotion", Outcome.PASS, "emotion.responded", "The smile came when asked.", 800_000),
)


@dataclass
class World:
    """All that a server has, in one folder."""

    folder: Path
    store: SqlStore
    blobs: FileBlobs
    keyring: FileKeyring
    chain: MemoryChain
    now_ms: int = START_MS
    stamped_ms: Callable[[bytes, bytes], int] | None = None
    """Reads time stamps, where an authority is trusted."""

    def tick(self) -> int:
        self.now_ms += 1_000
        return self.now_ms

    def verification(self) -> Verification:
        return Verification(
            self.store,
            self.blobs,
            self.keyring,
            now_ms=self.tick,
            software={"medauth": "0.1.0"},
            max_merge_delay_s=3_600,
        )

    def begin_check(self, number: int, policy: Policy = STANDARD) -> StartedCheck:
        """A check that has begun, and ends only if somebody sees to it."""
        check_id = f"chk_{number}"
        challenge = Challenge(check_id, STEPS, bytes([number % 256]) * 32, light=LIGHT if policy.light else None)
        identity = CheckIdentity(check_id, f"user-{number}", "login", "https://example.org")
        return self.verification().begin(identity, policy, challenge, "client-1")

    def record_check(
        self,
        number: int,
        readings: tuple[SignalReading, ...] = OTHER_READINGS,
        *,
        kept: int = KEPT,
        begun_under: Policy = STANDARD,
        policy: Policy | None = None,
        remembered: Callable[[StartedCheck], NewPrint | None] = lambda _: None,
    ) -> Recorded:
        """One whole check, as a session would conclude it; under another policy than it began with, as none would."""
        policy = policy or begun_under
        check, verification = replace(self.begin_check(number, begun_under), policy=policy), self.verification()
        check_id = check.identity.check_id
        frames = FrameChain(check_id)
        entries = []
        for index in range(FRAMES):
            jpeg, t_ms = f"picture {number}/{index}".encode() * 40, FRAME_MS * index
            digest = statement_digest(jpeg)
            frames.add(digest, t_ms)
            if index < kept:
                check.blobs.append(FILE, frame_entry(check.keys.seal, jpeg, record_id=check.record_id, index=index))
                entries.append(KeptFrame(index, microseconds(t_ms), digest))
        results = tuple(answered(index) for index in range(len(STEPS)))
        stated = (*readings, challenge_reading(results, len(STEPS)))
        decision, reasons = decide(policy, stated)
        summary = FrameSummary(FRAMES, frames.head, 0, round(FRAME_MS * (FRAMES - 1)), FRAMES, entries)
        conclusion = Conclusion(
            decision,
            reasons,
            results,
            stated,
            summary,
            {"model": "00" * 32},
            {"blink": []},
            HEAT_MAPS,
            colours=COLOURS if policy.light else (),
            remembered=remembered(check),
        )
        return verification.commit(check, verification.prepare(check, conclusion))

    def anchor(self) -> None:
        """Everything under one more final checkpoint."""
        pinned = self.store.chain_identity(MAIN_LOG)
        if pinned is None:
            identity = self.chain.deploy(b"\x07" * 32)
            self.store.pin_chain_identity(ChainIdentityRow(log=MAIN_LOG, **asdict(identity)))
        ledger = self.chain.open(self.identity())
        AnchorWriter(MAIN_LOG, self.store, ledger, holder="test", options=AnchorOptions(confirmations=1)).run()
        self.notary().notarise(MAIN_LOG)

    def notary(self, open_authority: Callable[[], TimeStampAuthority] | None = None) -> Notary:
        return Notary(self.store, self.keyring, self.size_on_chain, open_authority, now_ms=self.tick, heads=self.heads)

    def identity(self) -> ChainIdentity:
        pinned = self.store.chain_identity(MAIN_LOG)
        assert pinned is not None
        values = asdict(pinned)
        del values["log"]
        return ChainIdentity(**values)

    def size_on_chain(self, log: str, root: bytes) -> int | None:
        return self.chain.open(self.identity()).checkpoint_size(root) or None

    def auditor(self) -> Auditor:
        return Auditor(
            self.store, self.store, self.store, self.blobs, self.keyring, self.size_on_chain, heads=self.heads
        )

    def audits(self) -> list[Audit]:
        """Every record by itself."""
        return [self.auditor().record(row.record_id) for row in self.store.records(MAIN_LOG)]

    def events(self, log: str) -> Iterator[AnchoredCheckpoint]:
        pinned = self.store.chain_identity(log)
        return self.chain.open(self.identity()).checkpoints() if pinned else iter(())

    def urgent_leaves(self, log: str) -> Iterator[bytes]:
        pinned = self.store.chain_identity(log)
        return self.chain.open(self.identity()).urgent_leaves() if pinned else iter(())

    @property
    def heads(self) -> FileHeads:
        return FileHeads(self.folder / "keys")

    def own_head(self, log: str) -> int | None:
        """What the chain in memory holds, whatever the mirror remembers."""
        held = self.chain.node.contract(contract_address(self.chain.signer.address, 0))
        return held.size if held else None

    def report(
        self, depth: Depth = Depth.FULL, chain: ChainView | None = None, own_head: OwnHead | None = None
    ) -> LogReport:
        """The audit of the whole log, in this process."""
        sweep_all = in_this_process(Sweep(self.store, self.blobs, self.keyring, depth))
        heads = HeadAudit(self.heads, self.store, self.store, self.keyring, own_head or self.own_head)
        notes = NoteAudit(self.store, self.store, self.keyring, self.stamped_ms, heads)
        retired = RetiredKeyAudit(self.store, self.keyring)
        audit = LogAudit(self.store, self.store, sweep_all, notes, chain or self, lambda: self.now_ms, retired)
        return audit.over(MAIN_LOG)

    def receipts(self) -> ReceiptAudit:
        return ReceiptAudit(self.store, self.store, self.keyring, self.size_on_chain, lambda: self.now_ms)


def answered(index: int) -> StepResult:
    step = STEPS[index]
    shown = 5_000 + 3_200 * index if index else 1_000
    return StepResult(
        index,
        step,
        StepOutcome.ANSWERED,
        shown + 2_000,
        shown,
        shown + 500,
        step.action,
        Measured(step.low, step.hold_min_ms, fits=True),
    )


def open_world(folder: Path, chain: MemoryChain | None = None) -> World:
    engine = open_engine(f"sqlite:///{folder / 'mirror.sqlite'}")
    migrate(engine)
    blobs, keyring = FileBlobs(folder / "evidence"), FileKeyring(folder / "keys")
    return World(folder, SqlStore(engine), blobs, keyring, chain or MemoryChain())


@contextmanager
def copied(world: World, folder: Path) -> Iterator[World]:
    """The same world in another folder, to be damaged; the chain is shared, nobody can damage that."""
    world.store.close()
    shutil.copytree(world.folder, folder)
    copy = open_world(folder, world.chain)
    copy.stamped_ms = world.stamped_ms
    try:
        yield copy
    finally:
        copy.store.close()
        shutil.rmtree(folder)

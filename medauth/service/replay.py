"""The verdict judged again: from the sealed frames, by the models that the statement names, in the way it was judged.

Whoever signed a reading that the frames do not give is found out here, though every hash and signature holds. Needs
every frame (`MEDAUTH_KEEP_FRAMES=all`) and a machine like the first: the face mesh gives the same numbers in every
process on one kind of processor, and nearly the same on another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from medauth.capture.interface import CapturedFrame
from medauth.errors import EvidenceError, MedauthError
from medauth.evidence.archive import FILE, SOUND_FILE, frames_in
from medauth.evidence.commitment import FrameChain, RecordKeys, SoundChain
from medauth.evidence.sealing import unseal
from medauth.evidence.signing import PayloadType
from medauth.evidence.statement import statement_digest
from medauth.evidence.verifier import PURPOSES, CheckedStep, StepState
from medauth.protocol.canonical import Json, parse_object
from medauth.protocol.challenge import Challenge
from medauth.protocol.observation import Frame
from medauth.protocol.policy import Policy
from medauth.protocol.reading import PPM, SignalReading
from medauth.service.disclosure import opened
from medauth.service.judging import Judgement, Judging
from medauth.service.observing import FrameReader, Observer
from medauth.service.verification import TRACES
from medauth.signals.interface import DECLARED_TRACE, SETTINGS, Recalled, Recollects, models_of
from medauth.store.interface import BlobStore, Keyring, LeafKind, RecordRow, RecordStore

STEP = "replay"
TOLERANCE_PPM = 100
"""Scores may differ by 1e-4: more than any processor of one kind shows, less than any threshold turns on."""
_TOLERANCE = TOLERANCE_PPM / PPM
_SHOWN = 3
_SILENT: Mapping[str, Any] = {"count": 0, "kept": []}


class Replayer:
    """Judges records again, over ports. `observer_for` makes a tracker and fresh signals, as a check has them."""

    def __init__(
        self,
        records: RecordStore,
        blobs: BlobStore,
        keyring: Keyring,
        *,
        observer_for: Callable[[Challenge, Policy], Observer],
        read_frame: FrameReader,
        software: Mapping[str, str],
    ) -> None:
        self._records = records
        self._blobs = blobs
        self._keyring = keyring
        self._observer_for = observer_for
        self._read_frame = read_frame
        self._software = software

    def replay(self, record_id: str) -> CheckedStep:
        """One step: holds, fails and names the signal that drifts, or skipped with what is missing. Raises `NotFound`."""
        row = self._records.record(record_id)
        if row.kind is not LeafKind.VERDICT:
            return _skipped(f"a {row.kind.value} holds no verdict")
        try:
            return self._judged_again(row)
        except MedauthError as error:
            return CheckedStep(STEP, StepState.FAILS, str(error))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            return CheckedStep(STEP, StepState.FAILS, f"malformed: {type(error).__name__} {error}")

    def _judged_again(self, row: RecordRow) -> CheckedStep:
        keys, envelope = opened(row, self._keyring)
        payload = envelope.verified(self._keyring.trusted(), PayloadType.VERDICT, PURPOSES[row.log])
        statement: dict[str, Any] = parse_object(payload)
        if not statement["frames"]["count"]:
            return _skipped("no frame came, so there is nothing to judge again")
        missing = _missing(statement["frames"]) or _missing_sound(statement.get("sound", _SILENT))
        if missing:
            return _skipped(f"{missing} not kept: set MEDAUTH_KEEP_FRAMES=all, for checks from now on")
        challenge = Challenge.from_opening(statement["challenge"]["opening"])
        policy = Policy.from_json(statement["policy"]["rules"])
        observer = self._observer_for(challenge, policy)
        try:
            judging = Judging(challenge, policy, observer)
            pieces = list(self._sound(row, keys, statement))
            for frame in self._frames(row, keys, statement):
                _hear_before(judging, pieces, frame.index)
                judging.take(frame, _round_trip(statement, len(judging.ceremony.colours)))
            _hear_before(judging, pieces, statement["frames"]["count"])
            observer.recall(lambda signal: _recalled_then(signal, statement))
            rehearsed = challenge.scripted
            judgement = judging.judgement(None if rehearsed else statement["finished_ms"] - statement["started_ms"])
            models = models_of(observer.marks().values())
        finally:
            observer.close()
        _require_models(models, statement["models"])
        _require_same(judgement, statement, _elsewhere(self._software, statement["software"]))
        count, scores = statement["frames"]["count"], len(judgement.readings)
        text = (
            f"{count} frames judged again by the same models: {scores} readings within 1e-4, {judgement.decision.value}"
        )
        return CheckedStep(STEP, StepState.HOLDS, text)

    def _sound(
        self, row: RecordRow, keys: RecordKeys, statement: Mapping[str, Any]
    ) -> Iterator[tuple[int, float, bytes]]:
        """Every piece of sound: how many frames came before it, its time, its samples; by the chain that was signed."""
        if "sound" not in statement:
            return
        kept, chain = (
            {entry[0]: entry[1:] for entry in statement["sound"]["kept"]},
            SoundChain(statement["check"]["id"]),
        )
        data = self._blobs.read(row.record_id, SOUND_FILE) if kept else b""
        for index, pcm in frames_in(keys.seal, data, record_id=row.record_id, indices=list(kept), file=SOUND_FILE):
            among, t_us, digest = kept[index]
            sha256 = hashlib.sha256(pcm)
            if sha256.hexdigest() != digest:
                raise EvidenceError(f"kept sound {index} is another one", expected=digest)
            chain.add(sha256.digest(), t_us / 1_000, among)
            yield among, t_us / 1_000, pcm
        if chain.head.hex() != statement["sound"]["chain"]:
            raise EvidenceError("the sound does not give the signed digest chain", expected=statement["sound"]["chain"])

    def _declared(self, row: RecordRow, keys: RecordKeys, statement: Mapping[str, Any]) -> Mapping[int, float]:
        """What the client claimed, from the sealed traces that the statement names. Raises `EvidenceError`."""
        sealed = self._blobs.read(row.record_id, TRACES)
        content = unseal(keys.seal, sealed, record_id=row.record_id, name=TRACES)
        if statement_digest(content).hex() != statement["blobs"][TRACES]:
            raise EvidenceError("the traces are others than were signed", expected=statement["blobs"][TRACES])
        return _claims(parse_object(content))

    def _frames(self, row: RecordRow, keys: RecordKeys, statement: Mapping[str, Any]) -> Iterator[Frame]:
        """Every frame with the time that was signed; their digest chain must be the one that was signed, too."""
        kept = {index: (t_us, digest) for index, t_us, digest in statement["frames"]["kept"]}
        chain = FrameChain(statement["check"]["id"])
        declared = self._declared(row, keys, statement)
        data = self._blobs.read(row.record_id, FILE)
        for index, jpeg in frames_in(keys.seal, data, record_id=row.record_id, indices=list(kept)):
            t_us, digest = kept[index]
            sha256 = hashlib.sha256(jpeg)
            if sha256.hexdigest() != digest:
                raise EvidenceError(f"kept frame {index} is another picture", expected=digest)
            t_ms = t_us / 1_000
            chain.add(sha256.digest(), t_ms)
            yield self._read_frame(CapturedFrame(None, jpeg=jpeg, media_ms=declared.get(index)), index, t_ms)
        if chain.head.hex() != statement["frames"]["chain"]:
            raise EvidenceError("the frames do not give the signed digest chain", expected=statement["frames"]["chain"])


def _hear_before(judging: Judging, pieces: list[tuple[int, float, bytes]], frame: int) -> None:
    """Lets sound be heard where it came: between the same two frames as then."""
    while pieces and pieces[0][0] <= frame:
        _, t_ms, pcm = pieces.pop(0)
        if judging.hear(pcm, t_ms) is None:
            raise EvidenceError(f"sound at {t_ms:.0f} ms, when nothing was to be said", expected="sound upon a prompt")


def _round_trip(statement: Mapping[str, Any], index: int) -> int:
    """To the screen, as it was measured when the colour of that number was shown."""
    colours = statement.get("light", [])
    return int(colours[index]["round_trip_ms"]) if index < len(colours) else 0


def _recalled_then(signal: Recollects, statement: Mapping[str, Any]) -> Recalled | None:
    """What the server remembered then is in nobody's hands now: the reading's ground is taken as it was signed."""
    stated: Iterator[Any] = (r["details"].get("recalled") for r in statement["readings"] if r["signal"] == signal.name)
    recalled = next(stated, None)
    return None if recalled is None else Recalled.from_json(recalled)


def _claims(traces: Mapping[str, Any]) -> Mapping[int, float]:
    """When the client said that it took each frame, by frame; empty where it said nothing."""
    told = next((trace for trace in traces.get("injection", ()) if trace["name"] == DECLARED_TRACE), None)
    values = [] if told is None else told["values_milli"]
    return {index: value / 1_000 for index, value in enumerate(values) if value is not None}


def _missing_sound(sound: Mapping[str, Any]) -> str:
    """How much of the sound is not kept, in words; "" when all is there, or none came."""
    lost = sound["count"] - len(sound["kept"])
    return f"{lost} of {sound['count']} pieces of sound" if lost else ""


def _missing(frames: Mapping[str, Any]) -> str:
    """Which frames are not kept, in words; "" when all are there."""
    kept = {entry[0] for entry in frames["kept"]}
    lost = [index for index in range(frames["count"]) if index not in kept]
    if not lost:
        return ""
    runs: list[list[int]] = []
    for index in lost:
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    named = [str(first) if first == last else f"{first}-{last}" for first, last in runs[:_SHOWN]]
    more = " …" if len(runs) > _SHOWN else ""
    return f"{len(lost)} of {frames['count']} frames ({', '.join(named)}{more})"


def _require_models(found: Mapping[str, str], stated: Mapping[str, str]) -> None:
    for name, sha256 in stated.items():
        if found.get(name) != sha256:
            raise EvidenceError(
                f"model {name} here is {found.get(name, 'missing')}",
                expected=f"SHA-256 {sha256}, which judged then",
                next_step="set MEDAUTH_MODELS_DIR to the models of that time",
            )
    extra = sorted(set(found) - set(stated))
    if not any(name.endswith(SETTINGS) for name in stated):  # as statements were before they held settings
        extra = [name for name in extra if not name.endswith(SETTINGS)]
    if extra:
        raise EvidenceError(f"model {extra[0]} judges here and did not then", expected="the models of that time")


def _require_same(judgement: Judgement, statement: Mapping[str, Any], elsewhere: str) -> None:
    """Readings, steps and verdict as they were signed; else the first signal that differs is named."""
    stated = [SignalReading.from_json(value) for value in statement["readings"]]
    for found, expected in zip_longest(judgement.readings, stated):
        drift = _drift(found, expected)
        if drift:
            signal = (expected or found).signal
            raise EvidenceError(f"{signal}: {drift[0]}", expected=f"{drift[1]}, as signed", next_step=elsewhere)
    outcomes = [step.to_json()["outcome"] for step in judgement.steps]
    if outcomes != [step["outcome"] for step in statement["steps"]]:
        raise EvidenceError(f"challenge: steps came out as {outcomes}", expected="as signed", next_step=elsewhere)
    if [colour.to_json() for colour in judgement.colours] != statement.get("light", []):
        raise EvidenceError("light: colours were shown at other times", expected="as signed", next_step=elsewhere)
    codes = [reason.code for reason in judgement.reasons]
    verdict = statement["verdict"]
    if (judgement.decision.value, codes) != (verdict["decision"], [reason["code"] for reason in verdict["reasons"]]):
        raise EvidenceError(f"the frames say {judgement.decision.value}", expected=f"{verdict['decision']}, as signed")


def _drift(found: SignalReading | None, stated: SignalReading | None) -> tuple[str, str] | None:
    """What differs, as (here, signed)."""
    if found is None or stated is None or found.signal != stated.signal:
        return (found.signal if found else "no reading", stated.signal if stated else "no reading")
    if (found.outcome, found.code) != (stated.outcome, stated.code):
        return f"{found.outcome.value}, {found.code}", f"{stated.outcome.value}, {stated.code}"
    if not _near(found.score_ppm, stated.score_ppm, TOLERANCE_PPM):
        return f"score {_score(found)}", _score(stated)
    for name in sorted({*found.details, *stated.details}):
        here, signed = found.details.get(name), stated.details.get(name)
        if not _near(here, signed):
            return f"{name} {here}", f"{signed}"
    return None


def _near(found: Json, stated: Json, least: float = 1) -> bool:
    """Equal; numbers within 1e-4 of their size, or `least`, by default one unit of rounding; however deep they lie."""
    if isinstance(found, bool) or isinstance(stated, bool):
        return found is stated
    if isinstance(found, int) and isinstance(stated, int):
        return abs(found - stated) <= max(least, _TOLERANCE * abs(stated))
    if isinstance(found, dict) and isinstance(stated, dict):
        return found.keys() == stated.keys() and all(_near(found[name], stated[name]) for name in found)
    if isinstance(found, list) and isinstance(stated, list):
        return len(found) == len(stated) and all(map(_near, found, stated))
    return found == stated


def _score(reading: SignalReading) -> str:
    return "none" if reading.score_ppm is None else f"{reading.score_ppm / PPM:.6f}"


def _elsewhere(here: Mapping[str, str], then: Mapping[str, str]) -> str:
    """Why numbers may differ without anybody's doing: another software than then."""
    changed = [f"{name} {then[name]}" for name in sorted(then) if here.get(name) != then[name]]
    return f"judge again with the software of then: {', '.join(changed)}" if changed else ""


def _skipped(text: str) -> CheckedStep:
    return CheckedStep(STEP, StepState.SKIPPED, text)

"""`AuthenticationSession`: the object an app holds while one person is being checked.

It drives the ceremony with what the signals measure, and turns the readings into a recorded verdict. The verdict is
born here, from the frames and this side's clock; nothing else that a client sends is looked at.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from medauth.capture.interface import CapturedFrame, FrameSource, SoundSource, captured_from, release
from medauth.errors import CeremonyError, CheckExpired, InputError
from medauth.evidence.archive import KeepFrames
from medauth.evidence.signing import Envelope
from medauth.protocol.advice import RELAX, advice, hint_now
from medauth.protocol.canonical import Json
from medauth.protocol.ceremony import Phase
from medauth.protocol.light import ColourShown
from medauth.protocol.liveness_weights import LIVENESS
from medauth.protocol.observation import Observation, Prompt
from medauth.protocol.sound import pcm_of
from medauth.protocol.verdict import Verdict
from medauth.service.explaining import Draw, Explaining
from medauth.service.judging import Judging
from medauth.service.observing import FrameReader, Observer
from medauth.service.recollection import Recollection
from medauth.service.retaining import Retaining
from medauth.service.verification import Conclusion, Prepared, StartedCheck, Verification
from medauth.signals.interface import Marks, models_of

_MAX_MEDIA_MS = 1e12
RELAX_HINT = RELAX


@dataclass(frozen=True, slots=True)
class Progress:
    """What the person at the camera may know: the prompt, one hint, how far along. Never a score, never whether a step
    was right.
    """

    phase: Phase
    prompt: Prompt | None
    hint: str
    steps_done: int
    steps: int
    light: ColourShown | None = None
    """The colour to fill the screen with, until it is another one or None; see `AuthenticationSession.light`."""

    @property
    def done(self) -> bool:
        """True when no more frames are needed."""
        return self.phase in {Phase.DONE, Phase.EXPIRED}


OnProgress = Callable[[Progress, Observation], None]
"""Called after every frame, on the thread that drives the check."""


class AuthenticationSession:
    """One check, from its first frame to its verdict. Made by `Medauth.start` or `Medauth.rehearse`; used once.

    Feed it frames with `push` and ask for the verdict with `finish`, or let `run` do both over a source. Safe to share
    between threads: calls queue up.
    """

    def __init__(
        self,
        check: StartedCheck,
        verification: Verification,
        observer: Observer,
        read_frame: FrameReader,
        *,
        clock_ms: Callable[[], float],
        keep: KeepFrames = KeepFrames.KEY,
        draw: Draw | None = None,
        memory: Recollection | None = None,
    ) -> None:
        self._check = check
        self._verification = verification
        self._observer = observer
        self._read_frame = read_frame
        self._clock_ms = clock_ms
        self._memory = memory
        # Whoever keeps no frame wants no picture of the person at all.
        wanted = draw is not None and keep is not KeepFrames.NONE
        self._explaining = Explaining(observer.explainable, read_frame, draw) if draw is not None and wanted else None
        self._judging = Judging(check.challenge, check.policy, observer)
        self._ceremony = self._judging.ceremony
        self._retaining = Retaining(check, keep)
        self._began_ms = clock_ms()
        self._media_began_ms: float | None = None
        self._last_ms = 0.0
        self._round_trip_ms = 0.0
        self._conclusion: Conclusion | None = None
        self._prepared: Prepared | None = None
        self._verdict: Verdict | None = None
        self._closed = False
        self._abandoned = False
        self._lock = threading.RLock()

    @property
    def check_id(self) -> str:
        """Names this check in logs and receipts."""
        return self._check.identity.check_id

    @property
    def commitment(self) -> bytes:
        """SHA-256 over the hidden challenge; publish it before the first frame."""
        return self._check.challenge.commitment()

    @property
    def receipt(self) -> Envelope:
        """Signed proof that this check was started: its leaf shows even if the check is dropped."""
        return self._check.receipt

    @property
    def prompt(self) -> Prompt | None:
        """What the person is asked to do right now."""
        return self._ceremony.prompt

    @property
    def light(self) -> ColourShown | None:
        """What the screen must show right now: fill all of it, around the picture, with `light.rgb` (sRGB) as soon as it
        changes, and go back to the usual page when it is None. Later colours exist for nobody yet.

        A web server sends it to its page whenever `Progress.light` is another one than with the frame before, and tells
        `set_round_trip` how long that takes. An app that shows no colours gets inconclusive checks: it uses `no-flash`.
        """
        return self._ceremony.light

    def set_round_trip(self, milliseconds: float) -> None:
        """How long a message to the screen and its answer take, as this side measured it last: with a ping of its own and
        its own clock, never by what a client says. 0 unless told: right for a window of this process.

        It is stated with the colours and subtracted from their delay; above 200 ms the delay cannot be measured. Raises
        `InputError` for what is no time.
        """
        if not 0 <= milliseconds < math.inf:
            raise InputError("a round trip that is no time", expected="milliseconds, 0 or more")
        self._round_trip_ms = float(milliseconds)

    def push(self, frame: NDArray[np.uint8] | bytes | CapturedFrame, *, media_ms: float | None = None) -> Progress:
        """Takes in one frame: an array (height, width, 3) uint8 BGR, or JPEG bytes.

        `media_ms` is the clip's own time in a rehearsal. In a check it is when a client says that it took the frame: a
        check runs on this side's clock, and looks only whether the claim can be true. Raises `InputError` for what is not
        a picture or a time, `CheckExpired`, and `StoreError` when a frame cannot be kept.
        """
        progress, _ = self._take(captured_from(frame, media_ms))
        return progress

    @property
    def listens(self) -> bool:
        """Whether sound is wanted now: from a prompt that asks for digits to its end, and never else."""
        with self._lock:
            prompt = self._ceremony.prompt
            return prompt is not None and bool(prompt.step.digits)

    def hear(self, sound: NDArray[np.int16] | bytes) -> None:
        """Takes in a piece of what the microphone records while a step asks for digits (`listens`), as soon as it is
        recorded: (n,) int16 at 16 kHz, or the same as 16-bit little-endian bytes, a quarter of a second at most.

        Sound that comes while nothing is to be said is left out: nobody judges it, digests it or keeps it. Raises
        `InputError` for what is no sound, and for more than was recorded since the prompt; `CheckExpired`; `StoreError`.
        """
        pcm = sound if isinstance(sound, bytes) else pcm_of(sound)
        with self._lock:
            self._refuse_closed()
            if self._check.policy.rehearsal:
                raise InputError("sound in a rehearsal", expected="frames alone")
            heard = self._judging.hear(pcm, self._time(CapturedFrame(None)))
            if heard is not None:
                self._retaining.add_sound(heard)

    def run(
        self, source: FrameSource, on_progress: OnProgress | None = None, microphone: SoundSource | None = None
    ) -> Verdict:
        """Pushes frames from a source until the check is done or the source ends, then finishes; hears the microphone while
        digits are asked for. Raises `InputError` without one where the policy asks for any."""
        if self._check.policy.spoken and microphone is None:
            name = self._check.policy.name
            raise InputError(f"policy {name} without a microphone", expected="run(..., microphone=...)")
        frames, listened = source.frames(), False
        try:
            for captured in frames:
                progress, observation = self._take(captured)
                if microphone is not None:
                    listened = self._listen(microphone, listened)
                if on_progress is not None:
                    on_progress(progress, observation)
                if progress.done or self._ceremony.phase is Phase.EXPIRED:
                    break
        finally:
            release(frames)
            if microphone is not None:
                microphone.close()
        return self.finish()

    def _listen(self, microphone: SoundSource, listened: bool) -> bool:
        if self.listens and not listened:
            microphone.listen()
        elif self.listens:
            for piece in microphone.heard():
                if self.listens:  # no more once its time is over
                    self.hear(piece)
        return self.listens

    def finish(self) -> Verdict:
        """Decides, records and returns the verdict; later calls return the same one.

        After a `StoreError` it may be called again: nothing is lost and nothing is recorded twice.
        """
        with self._lock:
            if self._verdict is None:
                if self._closed:
                    raise CeremonyError("this check was closed unfinished", next_step="start a new check")
                self._verdict = self._record()
                self.close()
            return self._verdict

    def close(self) -> None:
        """Ends the check without a verdict if it has none; its start stays on record. Frees native memory.

        After a `StoreError` it may be called again.
        """
        with self._lock:
            if not self._closed:
                self._closed = True
                self._observer.close()
            if self._verdict is None and not self._abandoned:
                self._verification.abandon(self._check, prompted=self._ceremony.prompted)
                self._abandoned = True

    def marks(self) -> Mapping[str, Marks]:
        """Traces for plots, by signal: for operator and auditor, never for the person at the camera."""
        return self._observer.marks()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _take(self, captured: CapturedFrame) -> tuple[Progress, Observation]:
        with self._lock:
            self._refuse_closed()
            t_ms = self._time(captured)
            judged = self._read_frame(captured, self._retaining.frames, t_ms)
            before = self._milestone()
            observation = self._judging.take(judged, self._round_trip_ms)
            if self._explaining is not None:
                self._explaining.take(observation)
            self._retaining.add_frame(judged, happened=self._milestone() != before)
            return self._progress(observation), observation

    def _refuse_closed(self) -> None:
        if self._closed or self._conclusion is not None:
            raise CeremonyError("this check has ended", expected="an open check", next_step="start a new check")
        if self._ceremony.phase is Phase.EXPIRED:
            raise CheckExpired(
                "this check has expired",
                expected=f"an answer within {self._check.policy.timing.session_max_ms // 1_000} s",
                next_step="call finish(), then start a new check",
            )

    def _time(self, captured: CapturedFrame) -> float:
        """Milliseconds since the check began; a clock that goes back stands still instead."""
        if self._check.policy.rehearsal:
            if not isinstance(captured.media_ms, int | float) or not abs(captured.media_ms) < _MAX_MEDIA_MS:
                raise InputError("a frame without its clip's time", expected="media_ms, in a rehearsal")
            if self._media_began_ms is None:
                self._media_began_ms = captured.media_ms
            t_ms = captured.media_ms - self._media_began_ms
        else:
            t_ms = self._clock_ms() - self._began_ms
        self._last_ms = max(self._last_ms, t_ms)
        return self._last_ms

    def _milestone(self) -> tuple[int, Phase]:
        return len(self._ceremony.results), self._ceremony.phase

    def _progress(self, observation: Observation) -> Progress:
        prompt = self._ceremony.prompt
        return Progress(
            self._ceremony.phase,
            prompt,
            hint_now(observation.problem, prompt, waits_for_neutral=self._ceremony.waits_for_neutral),
            len(self._ceremony.results),
            len(self._check.challenge.steps),
            self._ceremony.light,
        )

    def _record(self) -> Verdict:
        """Decides once; what a `StoreError` interrupted is taken up where it stopped."""
        if self._conclusion is None:
            self._conclusion = self._conclude()
        if self._prepared is None:
            self._prepared = self._verification.prepare(self._check, self._conclusion)
        conclusion = self._conclusion
        recorded = self._verification.commit(self._check, self._prepared)
        return Verdict(
            decision=conclusion.decision,
            reasons=tuple(conclusion.reasons),
            readings=tuple(conclusion.readings),
            check_id=self.check_id,
            policy=self._check.policy.name,
            evidence_id=recorded.record_id,
            evidence_sha256=recorded.sha256,
            hint=advice(conclusion.decision, conclusion.reasons),
            liveness_ppm=LIVENESS.probability_ppm(conclusion.readings),
        )

    def _conclude(self) -> Conclusion:
        elapsed_ms = None if self._check.policy.rehearsal else self._clock_ms() - self._began_ms
        if self._memory is not None:
            self._observer.recall(self._memory.look_up)
        judgement = self._judging.judgement(elapsed_ms)
        marks = self._observer.marks()
        traces: dict[str, Json] = {
            name: [trace.to_json() for trace in mark.traces] for name, mark in marks.items() if mark.traces
        }
        return Conclusion(
            judgement.decision,
            judgement.reasons,
            judgement.steps,
            judgement.readings,
            self._retaining.frame_summary(self._judging.coverage),
            models_of(marks.values()),
            traces,
            self._explaining.pictures() if self._explaining is not None else {},
            prompted=self._ceremony.prompted,
            colours=judgement.colours,
            remembered=None if self._memory is None else self._memory.remembered(self._check, self._observer.offer()),
            sound=self._retaining.sound_summary(),
        )

"""What is kept of a check's frames and sound: the digest of everything, and sealed bytes where the setting asks for them."""

from __future__ import annotations

from medauth.evidence.archive import FILE, SOUND_FILE, KeepFrames, frame_entry
from medauth.evidence.commitment import FrameChain, SoundChain, microseconds
from medauth.evidence.statement import FrameSummary, KeptFrame, KeptSound, SoundSummary
from medauth.protocol.coverage import Coverage
from medauth.protocol.observation import Frame
from medauth.protocol.sound import Sound
from medauth.service.verification import StartedCheck


class Retaining:
    """One check's chains and files. Frames and sound are sealed as they come: nothing of a person lies in the clear."""

    def __init__(self, check: StartedCheck, keep: KeepFrames) -> None:
        self._check = check
        self._keep = keep
        self._frames, self._sound = FrameChain(check.identity.check_id), SoundChain(check.identity.check_id)
        self._kept_frames: list[KeptFrame] = []
        self._kept_sound: list[KeptSound] = []
        self._samples = 0
        self._spoken = any(step.digits for step in check.challenge.steps)

    @property
    def frames(self) -> int:
        """How many have come."""
        return self._frames.count

    def add_frame(self, frame: Frame, *, happened: bool) -> None:
        """Digests every frame; keeps, sealed, those that the setting asks for. A frame that could not be kept was judged
        and stays digested."""
        first = self._frames.count == 0
        self._frames.add(frame.sha256, frame.t_ms)
        if self._keep is KeepFrames.ALL or (self._keep is KeepFrames.KEY and (first or happened)):
            self._seal(FILE, frame.jpeg, frame.index)
            self._kept_frames.append(KeptFrame(frame.index, microseconds(frame.t_ms), frame.sha256))

    def add_sound(self, sound: Sound) -> None:
        """Digests every piece of sound; keeps it, sealed, where all frames are kept, and nowhere else."""
        among = self._frames.count
        self._sound.add(sound.sha256, sound.t_ms, among)
        self._samples += len(sound.samples)
        if self._keep is KeepFrames.ALL:
            self._seal(SOUND_FILE, sound.pcm, sound.index)
            self._kept_sound.append(KeptSound(sound.index, among, microseconds(sound.t_ms), sound.sha256))

    def frame_summary(self, coverage: Coverage) -> FrameSummary:
        """As the statement holds the frames."""
        return FrameSummary(
            count=coverage.frames,
            chain=self._frames.head,
            first_ms=round(coverage.first_ms),
            last_ms=round(coverage.last_ms),
            judged=coverage.judged,
            kept=tuple(self._kept_frames),
        )

    def sound_summary(self) -> SoundSummary | None:
        """As the statement holds the sound; None where nothing was to be said."""
        if not self._spoken:
            return None
        return SoundSummary(self._sound.count, self._samples, self._sound.head, tuple(self._kept_sound))

    def _seal(self, file: str, content: bytes, index: int) -> None:
        check = self._check
        entry = frame_entry(check.keys.seal, content, record_id=check.record_id, index=index, file=file)
        check.blobs.append(file, entry)

"""A server's side of a check: frames come in one by one, prompts go out one by one.

Here a clip stands in for the client; it follows no prompt, so the check ends as it must: not live.

    python examples/push_frames.py clip.mp4
"""

from __future__ import annotations

import sys

import medauth

FRAMES = 240


def check(auth: medauth.Medauth, clip: str) -> medauth.Verdict:
    """Publishes the commitment, pushes frames until the challenge is done, finishes."""
    with auth.start(subject="user-42", purpose="login", origin="https://app.example", client="device-7") as session:
        print(f"publish before the first frame: {session.commitment.hex()}")
        shown = None
        for count, frame in enumerate(medauth.VideoFile(clip, realtime=True).frames(), start=1):
            progress = session.push(frame)
            if progress.prompt is not None and progress.prompt != shown:
                shown = progress.prompt
                print(f"send to the client: {shown.step.action.value}")
            if progress.done or count == FRAMES:
                break
        return session.finish()


if __name__ == "__main__":
    with medauth.open() as opened:
        verdict = check(opened, sys.argv[1])
    print(verdict.decision.value, [reason.code for reason in verdict.reasons])

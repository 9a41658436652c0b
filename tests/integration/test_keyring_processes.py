"""Keys that several processes make at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MAKE = """
import sys
from pathlib import Path
from medauth.store.keyring import _SCRYPT_N, _SCRYPT_R, FileKeyring
ring = FileKeyring(Path(sys.argv[1]))
print(sorted(ring.trusted()), ring.tag("a", "b").hex())
"""


def test_processes_that_start_at_once_share_their_keys(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKE, str(tmp_path / "keys")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    printed = {process.communicate(timeout=30)[0] for process in started}
    assert len(printed) == 1
    assert printed != {b""}

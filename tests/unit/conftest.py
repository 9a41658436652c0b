"""Unit tests are many and run often: few examples each, no deadline on a busy machine, keys made once.

`make test-long` runs the property tests with twenty times as many: `--hypothesis-profile thorough`.
"""

from __future__ import annotations

import pytest
from hypothesis import settings

from medauth.store.keyring import FileKeyring

settings.register_profile("unit", max_examples=25, deadline=None)
settings.register_profile("thorough", max_examples=500, deadline=None)


def pytest_configure(config: pytest.Config) -> None:
    """A profile that was asked for stays."""
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("unit")


@pytest.fixture(scope="session")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> FileKeyring:
    """Real keys, shared by all tests that only use them."""
    keyring = FileKeyring(tmp_path_factory.mktemp("keys") / "keys")
    keyring.trusted()
    return keyring

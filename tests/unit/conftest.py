"""Unit tests are many and run often: fewer examples each, no deadline on a busy machine, keys made once."""

from __future__ import annotations

import pytest
from hypothesis import settings

from medauth.store.keyring import FileKeyring

settings.register_profile("unit", max_examples=40, deadline=None)
settings.load_profile("unit")


@pytest.fixture(scope="session")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> FileKeyring:
    """Real keys, shared by all tests that only use them."""
    keyring = FileKeyring(tmp_path_factory.mktemp("keys") / "keys")
    keyring.trusted()
    return keyring

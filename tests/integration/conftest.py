"""Fewer examples each and no deadline: real stores, keys and chains stand behind most of these."""

from __future__ import annotations

import pytest
from hypothesis import settings

from medauth.store.keyring import FileKeyring

settings.register_profile("integration", max_examples=40, deadline=None)
settings.load_profile("integration")


@pytest.fixture(scope="session")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> FileKeyring:
    """Real keys, shared by all tests that only use them."""
    keyring = FileKeyring(tmp_path_factory.mktemp("keys") / "keys")
    keyring.trusted()
    return keyring

"""Unit tests run with the network cut off."""

from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    """Only the event loop's own Unix sockets are left."""
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()

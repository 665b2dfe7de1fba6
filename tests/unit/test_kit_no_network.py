"""The unit tests' promise about themselves."""

import socket

import pytest
from pytest_socket import SocketBlockedError


def test_connecting_fails() -> None:
    with pytest.warns(UserWarning, match="tried to use socket"), pytest.raises(SocketBlockedError):
        socket.create_connection(("127.0.0.1", 9), timeout=1)


async def test_connecting_fails_inside_a_loop_too() -> None:
    with pytest.warns(UserWarning, match="tried to use socket"), pytest.raises(SocketBlockedError):
        socket.socket(socket.AF_INET, socket.SOCK_STREAM)

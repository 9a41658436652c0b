"""Native libraries write to file descriptor 2; inside the block that goes nowhere, afterwards everything is as before."""

from __future__ import annotations

import os
import threading

import pytest

from medauth.silence import native_silence


def test_only_the_block_is_silent(capfd):
    os.write(2, b"before ")
    with native_silence(), native_silence():
        os.write(2, b"noise")
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"


def test_an_error_in_the_block_ends_the_silence(capfd):
    with pytest.raises(ValueError, match="inside"), native_silence():
        raise ValueError("inside")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


def test_silence_ends_with_the_last_of_several_threads(capfd):
    entered, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with native_silence():
            entered.set()
            leave.wait(5)

    thread = threading.Thread(target=stay)
    thread.start()
    assert entered.wait(5)
    with native_silence():
        pass
    os.write(2, b"noise")
    leave.set()
    thread.join()
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"

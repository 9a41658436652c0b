"""A service that does not answer is left alone, and asked again after a while."""

from __future__ import annotations

from medauth.signals.circuit_breaker import CircuitBreaker


def test_it_opens_after_failures_in_a_row_and_lets_one_through_after_a_rest() -> None:
    clock = [0.0]
    breaker = CircuitBreaker(failures=3, rest_s=30, monotonic=lambda: clock[0])
    for _ in range(3):
        assert breaker.allows()
        breaker.failed()
    assert not breaker.allows()
    clock[0] = 31
    assert breaker.allows()
    assert not breaker.allows(), "one question is on its way"
    breaker.failed()
    clock[0] = 60
    assert not breaker.allows()
    clock[0] = 62
    assert breaker.allows()
    breaker.succeeded()
    assert breaker.allows()


def test_failures_with_answers_between_them_open_nothing() -> None:
    breaker = CircuitBreaker(failures=2)
    for _ in range(5):
        breaker.failed()
        breaker.succeeded()
    assert breaker.allows()

"""How the answers of an ensemble are joined, and who is heard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.signals.emotion_reader import joined

CLASSES = ("neutral", "happiness", "contempt")
OWN = np.array([0.6, 0.3, 0.1], np.float32)


def test_voices_count_by_their_weight() -> None:
    one = joined(CLASSES, OWN, [({"neutral": 0.0, "happiness": 1.0, "contempt": 0.0}, 1.0)])
    heavy = joined(CLASSES, OWN, [({"neutral": 0.0, "happiness": 1.0, "contempt": 0.0}, 9.0)])
    assert one == pytest.approx([0.3, 0.65, 0.05])
    assert heavy == pytest.approx([0.06, 0.93, 0.01])


def test_percent_is_as_good_as_shares() -> None:
    answers = [{"neutral": k * 0.2, "happiness": k * 0.8, "contempt": 0.0} for k in (1, 100)]
    one, other = (joined(CLASSES, OWN, [(answer, 1.0)]) for answer in answers)
    assert one == pytest.approx(other)


def test_a_class_that_a_member_does_not_know_stays_as_it_is() -> None:
    found = joined(CLASSES, OWN, [({"neutral": 0.0, "happiness": 1.0}, 1.0)])
    assert found == pytest.approx([0.3, 0.6, 0.1])


@pytest.mark.parametrize("answer", [{}, {"joy": 1.0}, {"neutral": float("nan")}, {"neutral": -1.0, "happiness": 0.0}])
def test_an_answer_that_says_nothing_changes_nothing(answer: dict[str, float]) -> None:
    assert joined(CLASSES, OWN, [(answer, 5.0)]) == pytest.approx(OWN)


@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from([*CLASSES, "other"]), st.floats(-10, 1e6) | st.just(float("nan"))),
            st.floats(0.01, 100),
        ),
        max_size=4,
    )
)
def test_whatever_is_answered_probabilities_come_out(answers: list[tuple[dict[str, float], float]]) -> None:
    found = joined(CLASSES, OWN, answers)
    assert found.sum() == pytest.approx(1, abs=1e-5)
    assert (found >= 0).all()

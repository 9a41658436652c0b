"""One prompt at a time, each in its window, the first gesture the right one."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from medauth.errors import CeremonyError
from medauth.protocol.ceremony import Ceremony, Phase, StepOutcome, StepResult
from medauth.protocol.challenge import RULES, Action, Category, Challenge, Step, is_spoken, movement_of
from medauth.protocol.observation import Blink, Posture, Prompt
from medauth.protocol.policy import Timing
from medauth.protocol.random_steps import draw_steps
from tests.unit.protocol.performer import REST, Gesture, Person, Reply, answer, gesture_for, over, run_of, step_of

EVERY_STEP = [
    pytest.param(step_of(action, index), id=f"{action}-{index}")
    for action in Action
    for index in range(len(RULES[action].outcomes))
]
EVERY_UNCOVERED = [one for one in EVERY_STEP if one.id not in {"hand_across-0", "say_digits-0"}]
"""What the mesh makes of a face under a hand is no gesture, and whoever speaks moves the face."""
GESTURES = tuple(action for action in Action if not is_spoken(action))
MOVEMENTS = {action for action in Action if movement_of(action) is action} - {Action.BLINK}
"""What has an amount of its own."""
TURN, SMILE, BLINKS = step_of(Action.TURN_LEFT), step_of(Action.SMILE), step_of(Action.BLINK, 1)


def phase(ceremony: Ceremony) -> Phase:
    return ceremony.phase


def only(result: Sequence[StepResult]) -> StepResult:
    (one,) = result
    return one


def result_of(step: Step, reply: Reply, timing: Timing | None = None) -> StepResult:
    return only(run_of(step, timing=timing).until(over, reply).ceremony.results)


def at(delay_ms: float, action: Action, amount: float = 0.0, **more: float) -> Reply:
    """A reply by one gesture, `delay_ms` after the prompt."""
    return lambda person, prompt: person.plan(
        Gesture(action, prompt.shown_ms + delay_ms, amount, **more)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("step", EVERY_STEP)
def test_a_step_done_as_asked_is_answered(step: Step) -> None:
    result = result_of(step, answer)
    assert result.outcome is StepOutcome.ANSWERED
    assert result.gesture is step.action
    assert result.shown_ms is not None
    assert result.onset_ms is not None
    assert abs(result.onset_ms - result.shown_ms - 500) <= 40


@pytest.mark.parametrize("step", EVERY_STEP)
def test_doing_nothing_is_no_answer(step: Step) -> None:
    assert result_of(step, lambda *_: None).outcome is StepOutcome.NO_RESPONSE


@pytest.mark.parametrize("step", EVERY_UNCOVERED)
def test_every_gesture_that_is_no_companion_fails_the_step(step: Step) -> None:
    for action in MOVEMENTS - RULES[step.action].companions - {movement_of(step.action)}:
        wrong = next(o for o in RULES[action].outcomes)
        result = result_of(step, at(500, action, float(wrong.target_low)))
        assert (result.outcome, result.gesture) == (StepOutcome.WRONG_GESTURE, action)


@pytest.mark.parametrize("step", EVERY_STEP)
def test_a_companion_may_come_along(step: Step) -> None:
    for action in (RULES[step.action].companions & MOVEMENTS) - {movement_of(step.action)}:
        companion = RULES[action].onset + 1

        def both(person: Person, prompt: Prompt, action: Action = action, companion: float = companion) -> None:
            person.plan(
                Gesture(action, prompt.shown_ms + 450, companion), gesture_for(prompt.step, prompt.shown_ms + 500)
            )

        assert result_of(step, both).outcome is StepOutcome.ANSWERED


@pytest.mark.parametrize("step", EVERY_UNCOVERED)
def test_a_companion_that_was_carried_through_first_fails_the_step(step: Step) -> None:
    """Else one recording of a few gestures in a row would answer many different steps."""
    for action in (RULES[step.action].companions & MOVEMENTS) - {movement_of(step.action)}:
        whole = float(RULES[action].outcomes[0].target_low)

        def first(person: Person, prompt: Prompt, action: Action = action, whole: float = whole) -> None:
            person.plan(
                Gesture(action, prompt.shown_ms + 400, whole, 300), gesture_for(prompt.step, prompt.shown_ms + 1_200)
            )

        assert result_of(step, first).outcome is StepOutcome.WRONG_GESTURE


def test_the_right_gesture_after_a_wrong_one_does_not_count() -> None:
    def wrong_then_right(person: Person, prompt: Prompt) -> None:
        person.plan(
            Gesture(Action.TURN_RIGHT, prompt.shown_ms + 400, 20, 300), gesture_for(TURN, prompt.shown_ms + 900)
        )

    assert result_of(TURN, wrong_then_right).outcome is StepOutcome.WRONG_GESTURE


def test_a_wrong_gesture_on_top_of_the_right_one_fails_the_step() -> None:
    def both(person: Person, prompt: Prompt) -> None:
        person.plan(gesture_for(SMILE, prompt.shown_ms + 500), Gesture(Action.RAISE_BROWS, prompt.shown_ms + 650, 120))

    assert result_of(SMILE, both).outcome is StepOutcome.WRONG_GESTURE


@pytest.mark.parametrize("outcome", [0, 1, 2])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_blinks_are_counted_exactly(outcome: int, count: int) -> None:
    step = step_of(Action.BLINK, outcome)
    result = result_of(
        step, lambda person, prompt: person.plan(Gesture(Action.BLINK, prompt.shown_ms + 500, blinks=count))
    )
    right = count == outcome + 1
    assert result.outcome is (StepOutcome.ANSWERED if right else StepOutcome.WRONG_AMOUNT)


def test_a_blink_from_before_the_prompt_could_be_read_is_spontaneous() -> None:
    def early_and_two(person: Person, prompt: Prompt) -> None:
        person.plan(Gesture(Action.BLINK, prompt.shown_ms + 100, blinks=1), gesture_for(BLINKS, prompt.shown_ms + 600))

    assert result_of(BLINKS, early_and_two).outcome is StepOutcome.ANSWERED


def test_blinking_is_never_a_wrong_gesture() -> None:
    def blink_too(person: Person, prompt: Prompt) -> None:
        person.plan(Gesture(Action.BLINK, prompt.shown_ms + 300, blinks=2), gesture_for(SMILE, prompt.shown_ms + 500))

    assert result_of(SMILE, blink_too).outcome is StepOutcome.ANSWERED


@pytest.mark.parametrize(
    ("delay_ms", "outcome"),
    [
        (10, StepOutcome.TOO_EARLY),
        (180, StepOutcome.TOO_EARLY),
        (260, StepOutcome.ANSWERED),
        (2_440, StepOutcome.ANSWERED),
        (2_560, StepOutcome.NO_RESPONSE),
        (4_000, StepOutcome.NO_RESPONSE),
    ],
)
@pytest.mark.parametrize("step", [TURN, SMILE], ids=["turn", "smile"])
def test_the_onset_must_lie_in_its_window(step: Step, delay_ms: float, outcome: StepOutcome) -> None:
    result = result_of(step, lambda person, prompt: person.plan(gesture_for(prompt.step, prompt.shown_ms + delay_ms)))
    assert result.outcome is outcome


@pytest.mark.parametrize(("delay_ms", "counts"), [(2_400, True), (2_600, False)])
def test_a_blink_counts_by_when_it_began(delay_ms: float, counts: bool) -> None:
    step = step_of(Action.BLINK)
    result = result_of(
        step, lambda person, prompt: person.plan(Gesture(Action.BLINK, prompt.shown_ms + delay_ms, blinks=1))
    )
    assert (result.outcome is StepOutcome.ANSWERED) == counts


@pytest.mark.parametrize(
    ("changes", "delay_ms", "before", "after"),
    [
        ({"onset_min_ms": 600}, 400, StepOutcome.ANSWERED, StepOutcome.TOO_EARLY),
        ({"onset_max_ms": 1_000}, 1_500, StepOutcome.ANSWERED, StepOutcome.NO_RESPONSE),
        ({"onset_max_ms": 5_000}, 4_000, StepOutcome.NO_RESPONSE, StepOutcome.ANSWERED),
    ],
)
def test_the_policy_sets_the_window(
    changes: dict[str, int], delay_ms: float, before: StepOutcome, after: StepOutcome
) -> None:
    def reply(person: Person, prompt: Prompt) -> None:
        person.plan(gesture_for(prompt.step, prompt.shown_ms + delay_ms))

    assert result_of(TURN, reply).outcome is before
    assert result_of(TURN, reply, replace(Timing(), **changes)).outcome is after


def test_the_policy_sets_how_long_a_performance_may_take() -> None:
    slow = at(400, Action.TURN_LEFT, 10.0, for_ms=9_000)
    result = result_of(TURN, slow)
    assert result.outcome is StepOutcome.WRONG_AMOUNT
    assert result.onset_ms is not None
    assert 6_500 < result.closed_ms - result.onset_ms < 6_600
    quick = result_of(TURN, slow, Timing(perform_ms=2_000))
    assert quick.onset_ms is not None
    assert 2_000 <= quick.closed_ms - quick.onset_ms < 2_100


@pytest.mark.parametrize(
    ("step", "amount"), [(TURN, 35.0), (step_of(Action.TURN_LEFT, 1), 17.0), (TURN, 70.0), (TURN, 10.0)]
)
def test_a_turn_to_another_angle_is_a_wrong_amount(step: Step, amount: float) -> None:
    assert result_of(step, at(500, Action.TURN_LEFT, amount)).outcome is StepOutcome.WRONG_AMOUNT


def test_passing_through_the_asked_angle_is_not_going_there() -> None:
    def swing(person: Person, prompt: Prompt) -> None:
        start = prompt.shown_ms + 500
        person.plan(*(Gesture(Action.TURN_LEFT, start + 33 * n, 3.0 * n, 40) for n in range(4, 14)))
        person.plan(Gesture(Action.TURN_LEFT, start + 33 * 14, 40, 800))

    assert result_of(TURN, swing).outcome is StepOutcome.WRONG_AMOUNT
    assert result_of(step_of(Action.TURN_LEFT, 1), swing).outcome is StepOutcome.ANSWERED


@pytest.mark.parametrize(
    ("outcome", "held_ms", "answered"),
    [(0, 100, False), (0, 300, True), (0, 1_300, True), (0, 1_700, False), (1, 1_300, False), (1, 2_200, True)],
)
def test_an_expression_must_be_held_as_long_as_asked(outcome: int, held_ms: float, answered: bool) -> None:
    result = result_of(step_of(Action.SMILE, outcome), at(500, Action.SMILE, 110, for_ms=held_ms))
    assert (result.outcome is StepOutcome.ANSWERED) == answered


def test_an_expression_that_is_too_faint_is_a_wrong_amount() -> None:
    assert result_of(SMILE, at(500, Action.SMILE, 80)).outcome is StepOutcome.WRONG_AMOUNT


def test_a_single_outlier_of_the_face_mesh_is_no_gesture() -> None:
    assert result_of(TURN, at(500, Action.TURN_RIGHT, 30, for_ms=40)).outcome is StepOutcome.NO_RESPONSE


def test_hiding_the_face_through_a_hold_does_not_answer_it() -> None:
    step = step_of(Action.SMILE, 1)
    run = run_of(step)

    def smile_twice(person: Person, prompt: Prompt) -> None:
        start = prompt.shown_ms + 500
        person.plan(Gesture(Action.SMILE, start, 110, 200), Gesture(Action.SMILE, start + 1_700, 110, 600))

    def hidden(t_ms: float) -> bool:
        prompt = run.ceremony.prompt
        return prompt is not None and 700 < t_ms - prompt.shown_ms < 2_200

    assert only(run.until(over, smile_twice, unseen=hidden).ceremony.results).outcome is StepOutcome.UNSEEN


def test_leaving_out_frames_through_a_hold_does_not_answer_it() -> None:
    ceremony = run_of(step_of(Action.SMILE, 1)).until(lambda c: c.phase is Phase.SHOWN).ceremony
    assert ceremony.prompt is not None
    shown, smiling = ceremony.prompt.shown_ms, Posture(REST | {Action.SMILE: 110.0})
    for later_ms in (400, 450, 500, 2_350, 2_400):
        ceremony.advance(shown + later_ms, smiling)
    assert only(ceremony.results).outcome is StepOutcome.UNSEEN


def test_a_face_out_of_sight_is_unseen_not_wrong() -> None:
    run = run_of(TURN)
    hidden = run.until(over, lambda *_: None, unseen=lambda _: run.ceremony.prompt is not None).ceremony
    assert only(hidden.results).outcome is StepOutcome.UNSEEN


def test_a_face_lost_for_a_moment_is_still_judged() -> None:
    run = run_of(TURN)

    def blinded(t_ms: float) -> bool:
        prompt = run.ceremony.prompt
        return prompt is not None and t_ms - prompt.shown_ms < 200

    assert only(run.until(over, unseen=blinded).ceremony.results).outcome is StepOutcome.ANSWERED


def test_a_face_that_never_comes_to_rest_is_not_prompted_again() -> None:
    run = run_of(TURN, SMILE)
    run.until(lambda c: len(c.results) == 1)
    run.person.plan(Gesture(Action.LOOK_UP, run.t_ms, 20, 60_000))
    run.until(lambda c: c.waits_for_neutral)
    results = run.until(over).ceremony.results
    assert results[1].outcome is StepOutcome.NOT_RELAXED
    assert results[1].shown_ms is None
    assert 6_000 < results[1].closed_ms - results[0].closed_ms - SMILE.pause_ms < 6_100


def test_the_policy_sets_how_long_rest_is_waited_for() -> None:
    run = run_of(TURN, SMILE, timing=Timing(relax_max_ms=1_000)).until(lambda c: len(c.results) == 1)
    run.person.plan(Gesture(Action.LOOK_UP, run.t_ms, 20, 60_000))
    second = run.until(over).ceremony.results[1]
    assert second.closed_ms - run.ceremony.results[0].closed_ms < 2_000


def advanced(ceremony: Ceremony, posture: Posture, start_ms: int, end_ms: int) -> None:
    for t_ms in range(start_ms, end_ms, 100):
        ceremony.advance(float(t_ms), posture)


def test_an_expression_from_the_first_frame_on_keeps_the_first_prompt_back() -> None:
    """In geometry it is that face's rest; a model sees what it is."""
    ceremony = run_of(TURN, SMILE).ceremony
    advanced(ceremony, Posture(REST, expressive=True), 0, 3_000)
    assert ceremony.prompt is None
    assert ceremony.waits_for_neutral
    advanced(ceremony, Posture(REST), 3_000, 3_300)
    assert ceremony.prompt is not None


def test_a_face_that_looks_merry_at_rest_is_prompted_all_the_same() -> None:
    ceremony = run_of(TURN).ceremony
    advanced(ceremony, Posture(REST, expressive=True), 0, 3_900)
    assert ceremony.prompt is None
    advanced(ceremony, Posture(REST, expressive=True), 3_900, 4_400)
    assert ceremony.prompt is not None


def test_after_the_first_prompt_an_expression_holds_nothing_up() -> None:
    """Else waiting would tell an attacker who smiles which step comes next."""
    run = run_of(TURN, SMILE).until(lambda c: len(c.results) == 1)
    start = round(run.t_ms) + 1
    advanced(run.ceremony, Posture(REST, expressive=True), start, start + 1_200)
    assert run.ceremony.prompt is not None


def test_a_face_that_smiles_less_than_at_rest_is_not_at_rest() -> None:
    ceremony = run_of(TURN).ceremony
    advanced(ceremony, Posture(REST | {Action.SMILE: -80.0}), 0, 3_000)
    assert ceremony.prompt is None
    advanced(ceremony, Posture(REST | {Action.SMILE: -10.0}), 3_000, 3_300)
    assert ceremony.prompt is not None


def test_no_prompt_comes_while_nothing_is_measured_of_the_face() -> None:
    ceremony = run_of(TURN).ceremony
    for t_ms in range(0, 5_000, 100):
        ceremony.advance(float(t_ms), Posture())
    assert ceremony.prompt is None


def test_a_gesture_under_way_holds_the_prompt_back() -> None:
    run = run_of(TURN)
    run.person.plan(Gesture(Action.TURN_LEFT, 0, 20, 3_000))
    run.until(lambda c: c.prompt is not None)
    assert run.t_ms >= 3_000 + 150


def test_the_pause_is_kept_before_every_prompt() -> None:
    steps = tuple(replace(step, pause_ms=pause) for step, pause in ((TURN, 1_900), (SMILE, 700), (TURN, 1_200)))
    results = run_of(*steps).until(over).ceremony.results
    closed = 0
    for step, result in zip(steps, results, strict=True):
        assert result.shown_ms is not None
        assert closed + step.pause_ms <= result.shown_ms + 1
        closed = result.closed_ms


def test_a_check_outlives_its_time_by_no_millisecond() -> None:
    ceremony = run_of(TURN).ceremony
    ceremony.advance(180_000, None)
    assert phase(ceremony) is Phase.PAUSE
    ceremony.advance(180_000.5, None)
    assert phase(ceremony) is Phase.EXPIRED
    assert ceremony.prompt is None


def test_the_policy_sets_how_long_a_check_lives() -> None:
    ceremony = run_of(TURN, timing=Timing(session_max_ms=1_000)).ceremony
    ceremony.advance(1_001, None)
    assert ceremony.phase is Phase.EXPIRED


def test_nothing_happens_after_expiry() -> None:
    run = run_of(TURN, SMILE).until(lambda c: c.phase is Phase.SHOWN)
    run.ceremony.advance(181_000, run.person.posture(181_000))
    run.person.plan(gesture_for(TURN, 181_500))
    for t_ms in range(181_033, 190_000, 33):
        run.ceremony.advance(float(t_ms), run.person.posture(t_ms))
    assert run.ceremony.results == ()


def test_a_check_expires_without_frames_too() -> None:
    ceremony = run_of(TURN).ceremony
    ceremony.expire(180_000)
    assert phase(ceremony) is Phase.PAUSE
    ceremony.expire(180_001)
    assert phase(ceremony) is Phase.EXPIRED


@pytest.mark.parametrize("t_ms", [999.9, 0.0, -1.0, float("nan"), float("inf"), -float("inf")])
def test_time_that_goes_back_or_is_no_time_is_refused(t_ms: float) -> None:
    ceremony = run_of(TURN).ceremony
    ceremony.advance(1_000, None)
    with pytest.raises(CeremonyError, match="never go back"):
        ceremony.advance(t_ms, None)
    ceremony.advance(1_000, None)


def test_the_person_is_prompted_once_something_was_shown() -> None:
    run = run_of(TURN)
    known = [run.ceremony.prompted]
    known.append(run.until(lambda c: c.phase is Phase.SHOWN).ceremony.prompted)
    known.append(run.until(over).ceremony.prompted)
    assert known == [False, True, True]


def test_a_result_states_what_was_asked_and_what_came() -> None:
    result = result_of(TURN, at(500, Action.TURN_RIGHT, 20))
    stated = result.to_json()
    assert stated | {"shown_ms": 0, "onset_ms": 0, "closed_ms": 0} == {
        "index": 0,
        "action": "turn_left",
        "target": 17,
        "accepted": [12, 23],
        "hold_ms": [0, 0],
        "outcome": "wrong_gesture",
        "shown_ms": 0,
        "onset_ms": 0,
        "closed_ms": 0,
        "gesture": "turn_right",
        "amount": 0,
        "held_ms": 0,
    }


@pytest.mark.parametrize("action", sorted(MOVEMENTS))
def test_the_same_gesture_takes_as_long_whether_it_was_asked_for_or_not(action: Action) -> None:
    """The pace at which steps close tells nobody which of them was right."""
    asked = step_of(action)
    strangers = (step_of(o) for o in sorted(Action) if action not in RULES[o].companions | {movement_of(o)})
    other = next(step for step in strangers if step.action is not Action.BLINK)
    right, wrong = result_of(asked, answer), result_of(other, as_if(asked))
    assert (right.outcome, wrong.outcome) == (StepOutcome.ANSWERED, StepOutcome.WRONG_GESTURE)
    assert right.onset_ms is not None
    assert wrong.onset_ms is not None
    assert abs((wrong.closed_ms - wrong.onset_ms) - (right.closed_ms - right.onset_ms)) <= 70


def as_if(step: Step) -> Callable[[Person, Prompt], None]:
    """Does what this step would ask for, whatever was asked."""
    return lambda person, prompt: person.plan(gesture_for(step, prompt.shown_ms + 500))


class CeremonyMachine(RuleBasedStateMachine):
    """Any person, any camera: the order of things holds."""

    @initialize(seed=st.integers(0, 10_000))
    def begin(self, seed: int) -> None:
        draw = random.Random(seed)
        self.steps = draw_steps(GESTURES, 3, frozenset({Category.TURN}), draw.randrange)
        self.ceremony = Ceremony(Challenge("chk_machine", self.steps, bytes(32)), Timing(session_max_ms=60_000))
        self.t_ms = 0.0
        self.shown: list[Prompt] = []
        self.closed_when_shown: list[int] = []

    def _advance(self, posture: Posture | None, later_ms: float) -> None:
        self.t_ms += later_ms
        before = self.ceremony.results
        self.ceremony.advance(self.t_ms, posture)
        assert self.ceremony.results[: len(before)] == before, "a closed step never changes"
        assert len(self.ceremony.results) <= len(before) + 1, "one step at a time"
        prompt = self.ceremony.prompt
        if prompt is not None and (not self.shown or prompt.index != self.shown[-1].index):
            self.shown.append(prompt)
            self.closed_when_shown.append(len(self.ceremony.results))

    @rule(frames=st.integers(1, 60), later_ms=st.sampled_from([16.0, 33.3, 66.6, 100.0]))
    def rests(self, frames: int, later_ms: float) -> None:
        for _ in range(frames):
            self._advance(Posture(REST), later_ms)

    @rule(frames=st.integers(1, 40), action=st.sampled_from(sorted(REST)), amount=st.floats(0, 400))
    def moves(self, frames: int, action: Action, amount: float) -> None:
        for _ in range(frames):
            self._advance(Posture(REST | {action: amount}), 33.3)

    @rule(count=st.integers(1, 3))
    def blinks(self, count: int) -> None:
        for _ in range(count):
            blink = Blink(self.t_ms, self.t_ms + 60, self.t_ms + 120)
            self._advance(Posture(REST), 60)
            self._advance(Posture(REST, (blink,)), 60)

    @rule(frames=st.integers(1, 40), later_ms=st.floats(0, 500))
    def hides(self, frames: int, later_ms: float) -> None:
        for _ in range(frames):
            self._advance(None, later_ms)

    @precondition(lambda self: self.ceremony.prompt is not None)
    @rule()
    def does_as_asked(self) -> None:
        prompt, person = self.ceremony.prompt, Person()
        assert prompt is not None
        person.plan(gesture_for(prompt.step, max(self.t_ms, prompt.shown_ms + 300)))
        while self.ceremony.prompt is not None and self.ceremony.prompt.index == prompt.index:
            self._advance(person.posture(self.t_ms + 33.3), 33.3)

    @rule(back_ms=st.floats(0.001, 1_000))
    def time_goes_back(self, back_ms: float) -> None:
        if self.t_ms:
            before = (self.ceremony.phase, self.ceremony.results, self.ceremony.prompt)
            with pytest.raises(CeremonyError):
                self.ceremony.advance(self.t_ms - back_ms, Posture(REST))
            assert before == (self.ceremony.phase, self.ceremony.results, self.ceremony.prompt)

    @invariant()
    def prompts_come_one_after_the_other(self) -> None:
        """T5: prompt k + 1 is nowhere before step k closed."""
        for number, (prompt, closed) in enumerate(zip(self.shown, self.closed_when_shown, strict=True)):
            assert prompt.index >= number
            assert closed == prompt.index
            assert prompt.step == self.steps[prompt.index]

    @invariant()
    def results_follow_the_plan(self) -> None:
        results = self.ceremony.results
        assert [r.step for r in results] == list(self.steps[: len(results)])
        assert [r.index for r in results] == list(range(len(results)))
        assert [r.closed_ms for r in results] == sorted(r.closed_ms for r in results)

    @invariant()
    def answered_means_the_right_gesture_in_its_window(self) -> None:
        timing = Timing()
        for result in self.ceremony.results:
            if result.outcome is StepOutcome.ANSWERED:
                assert result.gesture is result.step.action
                assert result.shown_ms is not None
                assert result.onset_ms is not None
                assert timing.onset_min_ms - 1 <= result.onset_ms - result.shown_ms <= timing.onset_max_ms + 1
                assert result.measured is not None
                assert result.measured.fits
                assert result.step.low <= result.measured.amount

    @invariant()
    def expiry_ends_it(self) -> None:
        assert (self.ceremony.phase is Phase.EXPIRED) == (self.t_ms > 60_000)
        assert not (self.ceremony.phase in {Phase.EXPIRED, Phase.DONE} and self.ceremony.prompt)


CeremonyMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestAnyPersonAnyCamera = CeremonyMachine.TestCase

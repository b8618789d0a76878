"""Nobody frames our pages; a caught mail is framed by the inbox, and by nothing else."""

from __future__ import annotations

from tests.security.conftest import Walk


def test_no_answer_can_be_framed_by_anybody(walk: Walk) -> None:
    framable = [
        answer
        for answer in walk
        if not answer.caught_mail
        and (answer.response.headers.get("X-Frame-Options"), answer.policy.get("frame-ancestors")) != ("DENY", "'none'")
    ]

    assert framable == []


def test_a_caught_mail_is_framed_by_its_own_inbox_only(walk: Walk) -> None:
    frames = {
        (answer.response.headers["X-Frame-Options"], answer.policy["frame-ancestors"])
        for answer in walk
        if answer.caught_mail
    }

    assert frames == {("SAMEORIGIN", "'self'")}


def test_a_caught_mail_is_sealed_off_in_its_frame(walk: Walk) -> None:
    policies = [answer.policy for answer in walk if answer.caught_mail]

    assert policies
    for policy in policies:
        assert policy["sandbox"] == ""
        assert policy["default-src"] == "'none'"
        assert "script-src" not in policy
        assert "http" not in " ".join(policy.values())


def test_the_frame_itself_gives_nothing_away(walk: Walk) -> None:
    (page,) = (
        answer.response.text
        for answer in walk
        if (answer.who, answer.method, answer.endpoint) == ("Ada", "GET", "inbox.mail")
    )

    assert 'sandbox=""' in page or "sandbox " in page
    assert "allow-scripts" not in page
    assert "allow-same-origin" not in page


def test_windows_that_open_ours_get_no_hold_of_it(walk: Walk) -> None:
    loose = [
        answer
        for answer in walk
        if answer.response.headers.get("Cross-Origin-Opener-Policy") != "same-origin"
        or answer.response.headers.get("Cross-Origin-Resource-Policy") != "same-origin"
    ]

    assert loose == []

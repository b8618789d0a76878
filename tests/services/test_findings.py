# ruff: noqa: RUF001  the languages of the cases have their own punctuation
"""The code is picked out of a mail as a person would; years, prices and order numbers are not codes."""

import pytest

from webapp.services.findings import find_code


@pytest.mark.parametrize(
    ("text", "subject", "code"),
    [
        ("Your verification code is 482913.", "", "482913"),
        ("Your code is:\n\n482913\n\nIt expires in 10 minutes.", "Sign in", "482913"),
        ("482913 is your code", "", "482913"),
        ("Hello", "482913 is your Acme code", "482913"),
        ("Use this code to sign in to your account: 0042", "", "0042"),
        ("Code:123456", "", "123456"),
        ("Enter it to go on\n\n* 123 456 *\n\nThanks", "", "123456"),
        ("Your code\n\n1 2 3 4 5 6\n", "", "123456"),
        ("Your code\n\n1\u00a02\u00a03\u00a04\n", "", "1234"),
        ("G-482913 is your Google verification code.", "", "482913"),
        ("Your code is 482-913", "", "482913"),
        ("Your sign-in code:\n\nWXYZ-7K2P\n", "", "WXYZ-7K2P"),
        ("Your code:\n\nABCDEF\n", "", "ABCDEF"),
        ("Your one-time code is K7P2QX", "", "K7P2QX"),
        ("您的验证码是 385201，10 分钟内有效。", "", "385201"),
        ("認証コード：385201", "", "385201"),
        ("รหัสยืนยันของคุณคือ 385201", "", "385201"),
        ("Seu código de verificação é 385201.", "", "385201"),
        ("Ihr Bestätigungscode lautet 385201", "", "385201"),
        ("Kodunuz aşağıda\n\n385201\n", "", "385201"),
        ("Your code is 2024.", "", "2024"),
        ("Code 482913\n\n© 2026 Acme, Suite 4000, 94105 San Francisco. Order 123456", "", "482913"),
        ("Acme sent this on Nov 21, 2026.\nYour code: 7351\nQuestions? +1 555 123 4567", "", "7351"),
        ("Your code\n\n482913\n\n@example.com #482913", "", "482913"),
        ("It is 482913, your verification code. Valid for 1000 seconds.", "", "482913"),
        ("000000 is the code of the test mail", "", "000000"),
    ],
)
def test_the_code_is_found(text: str, subject: str, code: str) -> None:
    assert find_code(text, subject) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello Ada, welcome.",
        "© 2026 Acme Inc.",
        "Sold since 1998 in 2026 shops",
        "It costs $1234 or 1234 € or USD 4321.",
        "The colour is #123456; and the other one #a1b2c3.",
        "Your order 123456 has shipped. Order number: 99887766",
        "Your promo code SAVE2026 gives 2000 points",
        "See https://example.com/code/123456 to go on",
        "Write to code123456@example.com",
        "Call +1 555 123 4567 or 4111 1111 1111 1111",
        "On 2026-11-21 at 11:35, 1,234.5678 units of 12.3456",
        "1000 users joined in 2000 minutes",
        "WELCOME\n\nHELLO\n",
        "1201\n1202\n1203\n",
    ],
)
def test_what_only_looks_like_a_code_is_left_alone(text: str) -> None:
    assert find_code(text) is None


def test_a_huge_text_is_searched_in_one_go() -> None:
    assert find_code("lorem ipsum 12 " * 20_000 + "\nYour code: 482913") == "482913"

"""From template and values to a mail, as the contract says (section 7)."""

import pytest

from webapp.domain.address import Mailbox
from webapp.domain.errors import TemplateVariableMissingError
from webapp.domain.template import Template
from webapp.domain.usage import UsageType
from webapp.services.rendering import Identity, render

ACME = Identity(Mailbox("no-reply@acme.test", "Acme"), "help@acme.test", (("X-Team", "mail"),))


def rendered(template: Template, payload=None, usage_type=UsageType.SIGN_IN, identity=ACME):
    return render(template, usage_type, "bob@example.com", identity, {"code": "482913"} | (payload or {}))


def html(content="<p>{{code}}</p>", **parts) -> Template:
    return Template(subject=parts.pop("subject", "Your code"), content=content, **parts)


class TestBodies:
    def test_values_are_escaped_in_html_and_raw_in_text(self):
        template = html("<p>{{code}} {{name}}</p>", text="{{code}} {{name}}")

        mail = rendered(template, {"name": '<b onclick="x">&'}).mail

        assert mail.html == "<p>482913 &lt;b onclick=&quot;x&quot;&gt;&amp;</p>"
        assert mail.text == '482913 <b onclick="x">&'

    def test_a_value_is_never_read_as_a_template(self):
        assert rendered(html("{{name}}{{code}}"), {"name": "{{code}}"}).mail.html == "{{code}}482913"

    def test_html_always_gets_a_text_part_with_the_links_kept(self):
        content = '<h1>Hi</h1><p>{{code}}</p><a href="https://acme.test/go?a=1&amp;b=2">Go on</a>'

        text = rendered(html(content)).mail.text

        assert "482913" in text
        assert "https://acme.test/go?a=1&b=2" in text
        assert "<" not in text

    def test_plain_text_has_no_html_part(self):
        mail = rendered(Template(content_type="text/plain", subject="s", content="{{code}} & {{name}}")).mail

        assert (mail.html, mail.text) == (None, "482913 & ")

    @pytest.mark.parametrize("content", ["<html><body class=a><p>{{code}}</p></body></html>", "<p>{{code}}</p>"])
    def test_the_preheader_stands_hidden_before_the_body_and_not_in_the_text(self, content):
        mail = rendered(html(content, preheader="For {{name}}"), {"name": "<Ada>"}).mail

        assert mail.html.index("For &lt;Ada&gt;") < mail.html.index("482913")
        assert "display:none" in mail.html
        assert mail.html.startswith("<html><body class=a><div" if "body" in content else "<div")
        assert "For" not in mail.text

    def test_objects_arrays_and_numbers_are_written_as_the_reference_writes_them(self):
        payload = {"o": {"a": [1, None]}, "l": ["x", None, 2], "t": True, "n": 1.5, "none": None}

        mail = rendered(
            Template(content_type="text/plain", subject="s", content="{{code}} {{o}} {{l}} {{t}} {{n}} {{none}}"),
            payload,
        ).mail

        assert mail.text == '482913 {"a":[1,null]} x,,2 true 1.5 '

    @pytest.mark.parametrize("kept", ["{{.code}}", "{{a-b}}", "{{#if}}", "{{ }}", "{code}"])
    def test_what_is_no_placeholder_stays(self, kept):
        assert (
            rendered(Template(content_type="text/plain", subject="s", content=kept + "{{\u00a0code\ufeff}}")).mail.text
            == kept + "482913"
        )


class TestRequiredVariables:
    @pytest.mark.parametrize("value", [None, "", "  ", []])
    def test_without_the_code_nothing_is_rendered(self, value):
        with pytest.raises(TemplateVariableMissingError) as caught:
            rendered(html(), {"code": value})

        assert [error.pointer for error in caught.value.errors] == ["/payload/code"]

    def test_an_invitation_needs_its_link(self):
        with pytest.raises(TemplateVariableMissingError) as caught:
            rendered(html("{{link}}"), usage_type=UsageType.ORGANIZATION_INVITATION)

        assert [error.pointer for error in caught.value.errors] == ["/payload/link"]

    def test_a_missing_optional_value_is_empty_and_noted(self):
        result = rendered(html("{{code}}[{{user.name}}]"), {"user": {}})

        assert result.mail.html == "482913[]"
        assert [warning.code for warning in result.warnings] == ["template.value_missing"]
        assert "user.name" in str(result.warnings[0].cause)


class TestHeaders:
    def test_line_breaks_never_reach_a_header(self):
        mail = rendered(html(subject="Hi {{name}}"), {"name": "x\r\nBcc: eve@evil.test"}).mail

        assert mail.subject == "Hi x Bcc: eve@evil.test"

    def test_a_message_id_is_new_each_time_and_of_the_senders_domain(self):
        first, second = rendered(html()).mail, rendered(html()).mail

        assert first.message_id != second.message_id
        assert first.message_id.startswith("<")
        assert first.message_id.endswith("@acme.test>")

    def test_the_message_id_of_an_international_domain_is_ascii(self):
        mail = rendered(html(), identity=Identity(Mailbox("a@bücher.test"))).mail

        assert mail.message_id.endswith("@xn--bcher-kva.test>")

    def test_the_connectors_headers_and_reply_to_come_along(self):
        mail = rendered(html()).mail

        assert mail.headers == (("X-Team", "mail"),)
        assert mail.reply_to == "help@acme.test"
        assert str(mail.sender) == "Acme <no-reply@acme.test>"


class TestSenderOfATemplate:
    @pytest.mark.parametrize(
        ("written", "sender"),
        [
            ("{{org}}", "Café Müller <no-reply@acme.test>"),
            ("Acme, Inc.", '"Acme, Inc." <no-reply@acme.test>'),
            ("{{org}} <mail@cafe.test>", "Café Müller <mail@cafe.test>"),
            ("mail@cafe.test", "mail@cafe.test"),
        ],
    )
    def test_a_name_or_one_mailbox_is_used(self, written, sender):
        result = rendered(html(send_from=written), {"org": "Café Müller"})

        assert str(result.mail.sender) == sender
        assert result.warnings == ()

    @pytest.mark.parametrize(
        "written",
        ["a@x.test, b@y.test", "a@x.test, Acme <b@y.test>", "Acme <>", "<nonsense", "a@", "Sales @ Acme", "{{none}}"],
    )
    def test_what_is_not_one_mailbox_falls_back_with_a_warning(self, written):
        result = rendered(html(send_from=written), {"none": "\r\n"})

        assert str(result.mail.sender) == "Acme <no-reply@acme.test>"
        assert [warning.code for warning in result.warnings] == ["template.sender_invalid"]

    def test_control_characters_are_dropped(self):
        result = rendered(html(send_from="{{org}}"), {"org": "Ac\r\nme\x00"})

        assert str(result.mail.sender) == "Acme <no-reply@acme.test>"

    def test_a_reply_to_works_the_same_way(self):
        assert rendered(html(reply_to="{{who}}"), {"who": "ada@x.test"}).mail.reply_to == "ada@x.test"
        assert rendered(html(reply_to="Help"), {}).mail.reply_to == "Help <help@acme.test>"
        assert rendered(html(reply_to="a@x.test; b@y.test"), {}).mail.reply_to == "help@acme.test"

"""Over https: who is trusted, and what is said when somebody is not."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from entrepot.download.errors import RedirectRefused, Truncated, UnexpectedAnswer, Unreachable, Untrusted
from entrepot.errors import ConfigurationError
from entrepot.model.remote import Access, Secret
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from unit.download.desk import Desk

BODY = b"over tls\n"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Vouches for origins."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """What the operator configures."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def server(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Make the server's side."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture
async def secure(authority: trustme.CA) -> AsyncIterator[BadOrigin]:
    """An https origin whose certificate is good."""
    async with BadOrigin(tls=server(authority.issue_cert("127.0.0.1"))) as origin:
        origin.put("/file", BODY)
        yield origin


@pytest.fixture
async def secure_desk(secure: BadOrigin, folder: Path, ca_file: Path) -> AsyncIterator[Desk]:
    """Downloads from it."""
    desk = Desk(secure, folder)
    desk.access = Access(ca_file=ca_file)
    async with desk.downloads:
        yield desk


async def test_an_authority_of_one_s_own_vouches_for_the_upstream(secure_desk: Desk) -> None:
    """`ca_file` is all it takes."""
    result = await secure_desk.get("/file")

    assert result.path.read_bytes() == BODY


@pytest.mark.fault("A16")
@pytest.mark.promise("P25")
async def test_who_is_not_vouched_for_is_refused_and_the_setting_is_named(secure_desk: Desk) -> None:
    """At once: trust does not come by asking again."""
    secure_desk.access = Access()

    with pytest.raises(Untrusted, match="certificate is not accepted") as caught:
        await secure_desk.get("/file")

    assert "ca_file" in caught.value.remedy
    assert secure_desk.retries == []
    assert secure_desk.origin.count() == 0


@pytest.mark.fault("A16")
@pytest.mark.promise("P25")
@pytest.mark.parametrize("flaw", ["another host", "expired"])
async def test_a_certificate_for_another_host_or_time_is_refused(
    desk: Desk, authority: trustme.CA, ca_file: Path, flaw: str
) -> None:
    """The authority alone is not enough."""
    if flaw == "expired":
        certificate = authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    else:
        certificate = authority.issue_cert("other.example")
    desk.access = Access(ca_file=ca_file, allow_private=True)
    async with BadOrigin(tls=server(certificate)) as origin:
        with pytest.raises(Untrusted):
            await desk.get(origin.url("/file"))

        assert origin.count() == 0


@pytest.mark.fault("A16")
async def test_old_tls_is_refused(desk: Desk, authority: trustme.CA, ca_file: Path) -> None:
    """An origin that speaks nothing newer than TLS 1.1 is told apart from one that is down."""
    context = server(authority.issue_cert("127.0.0.1"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSVersion"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSVersion"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    desk.access = Access(ca_file=ca_file, allow_private=True)
    async with BadOrigin(tls=context) as origin:
        with pytest.raises((Untrusted, Unreachable)):
            await desk.get(origin.url("/file"))

        assert origin.count() == 0


@pytest.mark.fault("A15")
@pytest.mark.promise("P30")
async def test_https_does_not_lead_to_http(secure_desk: Desk) -> None:
    """A redirect that strips TLS is refused, with what to do."""
    async with BadOrigin() as plain:
        secure_desk.origin.on("/moved", Reply.redirect(plain.put("/file", BODY)))

        with pytest.raises(RedirectRefused, match="leaves https"):
            await secure_desk.get("/moved")

        assert plain.count() == 0


async def test_http_may_lead_to_https(desk: Desk, secure: BadOrigin, ca_file: Path) -> None:
    """That is how most upstreams send people on."""
    desk.access = Access(ca_file=ca_file, allow_private=True)
    desk.origin.on("/moved", Reply.redirect(secure.url("/file")))

    assert (await desk.get("/moved")).path.read_bytes() == BODY


@pytest.mark.fault("A07", "A16")
@pytest.mark.parametrize("at", [0, 4])
async def test_a_connection_that_ends_within_a_body_is_no_end_of_the_body(secure_desk: Desk, at: int) -> None:
    """With or without the peer's farewell."""
    secure_desk.limits["retries"] = 0
    secure_desk.origin.on("/cut", Reply(body=BODY, cut=at, reset=True))
    secure_desk.origin.on("/open", Reply(body=BODY, framing="close", cut=at, reset=True))

    with pytest.raises(Truncated):
        await secure_desk.get("/cut")
    with pytest.raises((UnexpectedAnswer, Truncated)):
        await secure_desk.get("/open")


@pytest.mark.fault("A13")
@pytest.mark.promise("P30")
async def test_a_client_certificate_is_shown_to_its_own_origin_alone(
    folder: Path, authority: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    """It tells who we are, as a password does."""
    mine = authority.issue_cert("client@example.org")
    pem = tmp_path / "client.pem"
    mine.private_key_and_cert_chain_pem.write_to_path(str(pem))
    strict, curious = server(authority.issue_cert("127.0.0.1")), server(authority.issue_cert("127.0.0.1"))
    for context in (strict, curious):
        authority.configure_trust(context)
    strict.verify_mode, curious.verify_mode = ssl.CERT_REQUIRED, ssl.CERT_REQUIRED
    async with BadOrigin(tls=strict) as own, BadOrigin(tls=curious) as other:
        desk = Desk(own, folder)
        desk.limits["retries"] = 0
        desk.access = Access(ca_file=ca_file, client_cert=pem, allow_private=True, bearer=Secret("x"))
        own.put("/file", BODY)
        own.on("/away", Reply.redirect(other.put("/file", BODY)))
        async with desk.downloads:
            result = await desk.get("/file")
            with pytest.raises((Untrusted, Truncated, Unreachable)):
                await desk.get("/away")

        assert other.count() == 0
    assert result.path.read_bytes() == BODY


@pytest.mark.parametrize("name", ["ca_file", "client_cert"])
async def test_a_file_that_is_missing_or_no_certificate_is_a_configuration_error(
    secure_desk: Desk, tmp_path: Path, name: str
) -> None:
    """It names the setting and the file."""
    wrong = tmp_path / "wrong.pem"
    for content in (None, "no certificate"):
        if content is not None:
            wrong.write_text(content)
        secure_desk.access = Access(**{name: wrong})  # type: ignore[arg-type]  # a path for either name

        with pytest.raises(ConfigurationError) as caught:
            await secure_desk.get("/file")

        assert name in caught.value.where
        assert "wrong.pem" in caught.value.where

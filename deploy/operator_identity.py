"""Who asks or operates: nobody is taken at their word, not even by LANGTRAIL_USER_ID."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from langtrail.producer.errors import TokenRefused
from langtrail.producer.identity import Identity, from_environment
from langtrail.producer.job import os_user
from langtrail.producer.settings import ProducerSettings

from .errors import NotRecorded

_LOGIN = Path("/proc/self/loginuid")
_NO_LOGIN: Final = 2**32 - 1


def who_acts(settings: ProducerSettings, token: str, tenant: str | None = None, session: str | None = None) -> Identity:
    """Return who asks or operates: the user that the kernel knows, or whom a verified token names. Raises NotRecorded."""
    known = from_environment(settings)
    by_hand = known.trigger == "unknown" and sys.stdin is not None and sys.stdin.isatty()
    identity = replace(
        known,
        tenant_id=tenant or "",
        session_id=session or "",
        principal_id=os_user(),
        principal_type="human" if by_hand else known.principal_type,
        identity_assurance="unknown",
        trigger="interactive" if by_hand else known.trigger,
    )
    if not token:
        return identity
    from langtrail.producer.verified import verify  # noqa: PLC0415 - needs PyJWT, an extra

    try:
        return replace(identity, **verify(token, settings))
    except TokenRefused as error:
        raise NotRecorded(f"LANGTRAIL_TOKEN: {error}") from None


def os_facts() -> dict[str, str]:
    """Return the operating system's users: the one this process runs as, and the one that logged in, when that is another."""
    login = _login_user()
    return {"os_user": os_user(), **({"login_user": login} if login else {})}


def _login_user() -> str:
    """Return who logged in, by the kernel's audit: it stays the same through su and sudo. Empty where nobody knows."""
    try:
        number = int(_LOGIN.read_text())
    except (OSError, ValueError):
        return ""
    if number in (_NO_LOGIN, os.geteuid()):
        return ""
    import pwd  # noqa: PLC0415 - there is none on Windows, nor a login that the kernel knows

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)

"""The command that finds all records about a person by pseudonym, without the person standing anywhere: langtrail find."""

from typing import Annotated, Final

import typer

from .ask import connect
from .command_ask import AsJson, Tenant
from .errors import CannotRun
from .output import console, print_json
from .reads import recorded
from .servers import DEFAULT_DIRECTORY, environ

_TENANTS: Final = "SELECT DISTINCT tenant_id FROM trail ORDER BY tenant_id"
_RECORDS: Final = (
    "SELECT event_id, occurred_at, tenant_id, session_id, event_type FROM trail"
    " WHERE hasAny(subject_tokens, {tokens:Array(String)}) ORDER BY occurred_at, stream_id, seq"
)


def find(
    subject: Annotated[
        str, typer.Option("--subject", help="What the person is known by, in any spelling: an e-mail address, a phone number.")
    ],
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Find all records about a person by their pseudonyms; the search keeps the pseudonyms, never what was given."""
    from langtrail.processors.pseudonym import tokens_of  # noqa: PLC0415 - its packages are an extra

    from .policy_file import KEY_VARIABLE, pseudonyms  # noqa: PLC0415 - as above
    from .stack_files import pseudonym_key_file  # noqa: PLC0415 - as above
    from .tables import print_answer  # noqa: PLC0415 - as above

    variables, local = environ(), pseudonym_key_file(DEFAULT_DIRECTORY)
    makes = pseudonyms({KEY_VARIABLE: str(local), **variables} if local.exists() else variables)
    if makes is None:
        raise CannotRun(f"there is no key of pseudonyms: set {KEY_VARIABLE} to the file that the workers have")
    trail = connect(variables)
    ids = [tenant] if tenant is not None else [row[0] for row in trail.sql(_TENANTS).rows]
    tokens = [token for tenant_id in ids for token in tokens_of(makes, tenant_id, subject)]
    with recorded("find", {"tokens": tokens}, user=trail.user, tenant=tenant) as reading:
        answer = trail.sql(_RECORDS, {"tokens": tokens})
        reading.ends(len(answer.rows))
        if as_json:
            print_json(answer.objects())
        else:
            print_answer(answer, console())

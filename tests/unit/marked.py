"""Lines in which a secret is marked: «secret»; a line break is written as backslash and n."""

import re

from langtrail.processors.redact import redact_text

_MARKED = re.compile("«([^»]*)»")


def unmarked(line: str) -> str:
    """Return the text of a line."""
    return _MARKED.sub(r"\1", line.replace("\\n", "\n"))


def secrets_left(line: str) -> list[str]:
    """Return the secrets of which a letter or a digit would be left."""
    text, left, at = unmarked(line), [], 0
    gone = {place for finding in redact_text(text).findings for place in range(finding.start, finding.end)}
    for secret in _MARKED.findall(line.replace("\\n", "\n")):
        at = text.index(secret, at)
        if any(char.isalnum() and at + offset not in gone for offset, char in enumerate(secret)):
            left.append(secret)
    return left

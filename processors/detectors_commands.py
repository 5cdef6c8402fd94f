"""Detectors of secrets on command lines, and in configuration that has words instead of operators."""

import re
from collections.abc import Iterable
from typing import Final

from .detector import NOTHING, Candidate, Detector, Rank, Span, whole
from .secret_names import LIKE_A_SECRET, PLAIN_URL, QUOTED, SENSITIVE, group_of, reads_as_code, secret_part, secret_rule, stands
from .validators import looks_random

_VALUE: Final = r"(?:\"([^\"\n\x00]+)\"|'([^'\n\x00]+)'|([^\s\"'\x00][^\s\x00]*))"
_GLUED: Final = r"(?:\"([^\"\n\x00]+)\"|'([^'\n\x00]+)'|([^\s\"'\x00$-][^\s\x00]*))"
_REST: Final = r"[^\n|;&\[\x00]{0,160}?\s"
_PLACE: Final = re.compile(r"[A-Za-z][\w+.-]*:/|\.{0,2}/|~/|\*[A-Za-z_]\w*(?:\.[A-Z]\w+)?(?:\(.*)?\Z|\[\][a-z]\w*\Z")
"""A URL, a path, a type in Go, or a pointer in C."""
_ARGUMENT: Final = re.compile("[a-z_]+=")
"""An argument that has a name, in a call in Python."""
_SETS: Final = frozenset(("env", "arg", "set", "setenv", "setx", "export"))
_STORING: Final = "secret set|put-parameter|put-secret-value|create-secret"
"""Commands of clouds that store a secret."""
_PORT: Final = re.compile(r"[\d.:-]+(?:/(?:tcp|udp))?")
_DIRECTIVES: Final = (
    "requirepass|masterauth|masteruser_pass|storepassword|keypassword|rootpw|bindpw|snmp-server community|authtoken"
)


def _option(candidate: Candidate) -> Iterable[Span]:
    """Take the value of an option whose name says secret."""
    rule = None if candidate.group(1).startswith("no-") else secret_rule(candidate.group(1))
    number = group_of(candidate, (2, 3, 4, 5))
    value = candidate.group(number)
    if value.rstrip("]").isupper() and secret_rule(value) is not None:  # as the usage of a program has it
        return NOTHING
    if rule is None or reads_as_code(value.rstrip(",")) or _ARGUMENT.match(value) or PLAIN_URL.match(value):
        return NOTHING
    if rule.vague and looks_random(value):
        return (Span(*candidate.groups[number]),)
    return secret_part(rule, candidate.groups[number][0], value)


def _credential(candidate: Candidate) -> Iterable[Span]:
    value = candidate.value
    return whole(candidate) if stands(value) and not reads_as_code(value) and not candidate.follows_placeholder else NOTHING


def _directive(candidate: Candidate) -> Iterable[Span]:
    """Take the value of a directive: of one that holds nothing else any, else one that looks like a secret."""
    rule, value = secret_rule(candidate.group(2)), candidate.group(3).rstrip("?!.,:`")
    sets = candidate.group(1).rstrip().lower() in _SETS
    if rule is None or reads_as_code(value.lstrip("`")) or _PLACE.match(value) or not (sets or LIKE_A_SECRET.search(value)):
        return NOTHING
    return secret_part(rule, candidate.groups[3][0], value)


def _user(candidate: Candidate) -> Iterable[Span]:
    """Take user and password: both are the credential, and either may be an address."""
    user, _, password = candidate.value.partition(":")
    if not password:
        return (Span(candidate.start, candidate.end - 1),) if looks_random(user, 12) and stands(user) else NOTHING
    is_one = stands(password) and stands(user + password) and not user.isdigit() and password[0] != ":"
    return whole(candidate) if is_one else NOTHING


def _letter(candidate: Candidate) -> Iterable[Span]:
    """Take the value of an option of one letter, unless it is a port or a path."""
    value = candidate.value
    return NOTHING if _PORT.fullmatch(value) or value.startswith(("/", "./", "-")) else _credential(candidate)


COMMANDS: Final = (
    Detector(
        name="option",
        type="SECRET",
        reason="A command line option that takes a secret, its value after a blank.",
        pattern=(
            rf"(?i)(?:^|[\s\"'(\[,=\x00])--?([\w-]*(?:{SENSITIVE})[\w-]*)(?:[\"'],[^()\n\"'\[\x00]{{0,80}}\bdefault\s?=\s?"
            rf"|[\"']?,?[ \t]{{1,3}}(?:\\\n[ \t]{{0,8}})?|[\"'],)(?:{QUOTED}|([^\s\"'`\x00-][^\s\x00\"'`]*))"
        ),
        trigger=rf"(?i)-[\w-]*(?:{SENSITIVE})[\w-]*(?:[\"']?,?\s|[\"'],|\x00)",
        judge=_option,
        rank=Rank.ASSIGNED_SECRET,
        example="deploy --api-key 5up3rS3cret --dry-run",
        counter_example="deploy --token --dry-run",
    ),
    Detector(
        name="user_option",
        type="SECRET",
        reason="User and password in curl's and other programs' option for both.",
        pattern=(
            rf"(?:(?:[\s\x00]|^)(?:-u|--user|--proxy-user|-U|--auth)|\b(?:https?|xhs?|hey)\s(?:{_REST})?-a)[ =]{{0,3}}"
            r"(?:\"([^\"\s:\x00/]*:[^\"\x00\n]*)\"|'([^'\s:\x00/]*:[^'\x00\n]*)'|([^\s:\"'\x00/]+:(?:'[^'\x00\n]+'|\"[^\"\x00\n]+\"|[^\s\"'\x00/]*)))"
        ),
        trigger=r"(?:-u|--user|--proxy-user|-U|--auth|\s-a)[ =]*[\"']?[^\s:]*:",
        judge=_user,
        rank=Rank.ASSIGNED_SECRET,
        example="curl -u bob:hunter2 https://example.org",
        counter_example="curl -u bob https://example.org",
    ),
    Detector(
        name="password_option",
        type="SECRET",
        reason="Programs whose option for the password has one letter: mysql, sshpass, docker, redis, zip and their like.",
        pattern=(
            rf"\b(?:mysql\w*|mariadb[\w-]*)\b{_REST}-p{_GLUED}"
            rf"|\bsshpass\s{{1,3}}-p ?{_VALUE}"
            r"|\b(?:docker|podman|nerdctl|buildah|skopeo|helm registry|oc|az|mongo\w*|influx|cqlsh|sqlcmd|bcp|hdbsql"
            r"|crackmapexec|netexec|nxc|cf|zip|unzip|svn|rdesktop)"
            rf"\b{_REST}-[pP][ =]{{1,2}}{_VALUE}"
            rf"|\b(?:mosquitto_\w+|ipmitool)\b{_REST}-P[ =]{{1,2}}{_VALUE}"
            rf"|\b(?:plink|pscp|psftp)\b{_REST}-pw\s{_VALUE}"
            rf"|\b(?i:psexec)(?:\.exe)?\b{_REST}-p\s{_VALUE}"
            rf"|\b(?i:winr[sm])(?:\.\w{{3}})?\b{_REST}-p(?:assword)?:{_GLUED}"
            rf"|\b7za?\b{_REST}-p{_GLUED}"
            rf"|\bredis-cli\b{_REST}-a\s{_VALUE}"
            rf"|\bldap\w+\b{_REST}-w\s{_VALUE}"
            rf"|\bopenssl\b{_REST}(?:-k\s|-pass(?:in|out)?\s+pass:){_VALUE}"
        ),
        trigger=r"\s-(?:[pP]|[awk]\s|pass(?:in|out)?\s)",
        judge=_letter,
        rank=Rank.ASSIGNED_SECRET,
        example="mysql -u root -psunshine shop",
        counter_example="docker run -p 8080:80 nginx; mysql -u root -p shop",
    ),
    Detector(
        name="password_argument",
        type="SECRET",
        reason="Programs that take the password as an argument or on their standard input, and Oracle's user/password.",
        pattern=(
            rf"\bhtpasswd\s(?:-\w+\s){{1,3}}[^\s\x00]+\s[^\s\x00]+\s{_VALUE}"
            rf"|\brabbitmqctl\s(?:add_user|change_password)\s[^\s\x00]+\s{_VALUE}"
            r"|\s/user:[^\s\x00]+\s([^\s/\x00][^\s\x00]*)"
            r"|(?i:\bnet(?:\.exe)?\s+use\s+(?:[^\s\x00]{1,8}\s+)?(?:\"\\\\[^\"\n\x00]{1,200}\"|\\\\[^\s\"\[\x00]{1,200})\s+)"
            rf"{_VALUE}(?:\s+/[\w:]{{1,20}}){{0,3}}(?i:\s+/u(?:ser)?:)"
            rf"|(?i:\bnet(?:\.exe)?\s+user\s+(?:\"[^\"\n\[\x00]{{1,80}}\"|[^\s\"/\[\x00]{{1,80}})\s+){_VALUE}(?i:\s+/(?:add|domain|active|expires)\b)"
            r"|(?i:\breg(?:\.exe)?\s+add\b[^\n\[\x00]{1,200}?\s/v\s+\"?[\w-]{0,40}(?:password|passwd|pwd|secret|api_?key|token)\"?"
            rf"\s[^\n\[\x00]{{0,40}}?/d)\s+{_VALUE}"
            rf"|\b(?:{_STORING})\b{_REST}--(?:value|secret-string)[ =]{_VALUE}"
            r"|\becho\s(?:-\w\s)?(?:\"(?:[\w.-]{1,40}:)?([^\"\n\x00]+)\"|'(?:[\w.-]{1,40}:)?([^'\n\x00]+)'|([^\s\"'|\x00]+))\s?\|\s?"
            r"(?:sudo -S|[^\n|\[\x00]{0,80}--password-stdin|(?:sudo )?chpasswd|passwd --stdin)"
            r"|(?:\bsqlplus\s(?:-\w+\s){0,3}|jdbc:oracle:thin:)[\w$#]+/([^\s@/\x00]+)@"
        ),
        trigger=(
            r"htpasswd\s-|rabbitmqctl\s(?:add|change)|\s/user:[^\s]|(?i:\bnet(?:\.exe)?\s+user?\s|\breg(?:\.exe)?\s+add\s)"
            rf"|\s(?:{_STORING})\s|--password-stdin|(?:sqlplus\s|oracle:thin:)"
            r"|\|\s?(?:sudo -S|(?:sudo )?chpasswd|passwd --stdin)"
        ),
        judge=_credential,
        rank=Rank.ASSIGNED_SECRET,
        example="htpasswd -b users bob sunshine",
        counter_example="rabbitmqctl list_users; echo hello | sudo tee /etc/motd",
    ),
    Detector(
        name="login_option",
        type="SECRET",
        reason="Switches of Windows' programs for a password, and options that take it in one with the user.",
        pattern=(
            rf"(?i:(?:[\s\x00]|^)/(?:pass(?:word)?|pwd):){_GLUED}"
            rf"|\b(?i:schtasks)\b{_REST}(?i:/rp)\s{_GLUED}"
            rf"|\b(?i:[xw]?freerdp)\b{_REST}/p:{_GLUED}"
            rf"|\b(?:smb\w+|rpcclient|net rpc)\b{_REST}(?:-U[ =]?|--user[ =])"
            r"[\"']?[^\s%\"'\x00]{1,80}%([^\s\"'\x00]+)"
            rf"|\blftp\b{_REST}-u\s[^\s,\x00]{{1,80}},([^\s\x00]+)"
            rf"|\bwpa_passphrase\s(?:\"[^\"\n\x00]{{1,40}}\"|'[^'\n\x00]{{1,40}}'|[^\s\"'\x00]{{1,40}})\s{_GLUED}"
        ),
        trigger=(
            r"(?i:/(?:pass(?:word)?|pwd|p):|schtasks)|(?:smb\w+|rpcclient|net rpc)\b[^\n]*\s(?:-U|--user)"
            r"|\blftp\s|\bwpa_passphrase\s"
        ),
        judge=_credential,
        rank=Rank.ASSIGNED_SECRET,
        example="cmdkey /add:srv /user:bob /pass:sunshine",
        counter_example="msbuild /p:Configuration=Release; net use X: /password:%PW%",
    ),
    Detector(
        name="directive",
        type="SECRET",
        reason="Configuration of words: a line whose last two are a name that says secret, and what looks like one.",
        pattern=(
            r"(?i)(?:^|[\n\x00])[ \t]{0,16}((?:[\w-]{1,30} ){0,7})"
            rf"([\w-]*(?:{SENSITIVE})[\w-]*)[ \t]{{1,8}}(?:[0-9] )?([^\s\"'=:\x00][^\s\"'\x00;]*);?[ \t]*(?:[\r\n\x00]|$)"
        ),
        # The name is told by its length: a digit behind it says how the value is encrypted. RE2 knows another s, and another k.
        parts=(
            r"[\n\x00]?[ \t]{0,16}((?:[\w\-\x{17f}\x{212a}]{1,30} ){0,7})"
            r"([\w\-\x{80}-\x{10ffff}]{2,})[ \t]{1,8}(?:[0-9] )?([^\s\"'=:\x00][^\s\"'\x00;]*)"
        ),
        trigger=rf"(?i)(?:{SENSITIVE})[\w-]*[ \t]+(?:[0-9] )?[^\s\"'=:][^\s\"']*\s*(?:[\r\n\x00]|$)",
        judge=_directive,
        rank=Rank.ASSIGNED_SECRET,
        example="enable password cisco123",
        counter_example="the secret is out\nno password required",
    ),
    Detector(
        name="directive_known",
        type="SECRET",
        reason="Directives that hold nothing but a secret, in files of well-known servers.",
        pattern=rf"(?i)(?:^|[\s\x00])(?:{_DIRECTIVES})[ \t]{{1,8}}[\"']?([^\s\"'\x00;:=]{{3,}})",
        trigger=rf"(?i)(?:{_DIRECTIVES})[ \t]",
        judge=_credential,
        rank=Rank.ASSIGNED_SECRET,
        example="requirepass foobared",
        counter_example="requirepass ${REDIS_PASSWORD}",
    ),
)
"""Detectors of secrets on command lines and in directives."""

"""Detectors of secrets in code and data that name them in another way than an assignment: calls, files of passwords, SQL."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from string import ascii_letters, digits
from typing import Final

from .detector import NOTHING, Candidate, Detector, Rank, Span, whole
from .key_rules import KeyRule, words_of
from .secret_names import (
    LIKE_A_SECRET,
    NAME,
    NAME_THERE,
    QUOTED,
    SENSITIVE,
    SHORT_QUOTED,
    group_of,
    reads_as_code,
    secret_part,
    secret_rule,
    stands,
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEXT: Final = r"(?:[\"']?\s{0,3},\s{0,24}(?:default\s?=\s?)?|\]?[\"']\)\s{0,24}\.\w{1,12}\()(?:[bu]|<<)?"
"""Between a name and the argument behind it."""


_MADE: Final = r"(?:\.(?:to_string|into|to_owned|as_bytes|as_str|toCharArray|getBytes|encode)\(\))?"
"""What is made of a text."""
_SETTERS: Final = _words(
    """
    set put define setenv putenv getenv get env setdefault property header add append config constant insert bind option type
    fill
    """
)
_NO_SETTERS: Final = _words(
    """
    get find read load fetch prompt ask is has validate check verify list describe delete remove print log test it require
    import forgot select query label translate assert throw raise error warn
    """
)
_STORES: Final = _words("pass credentials secrets")
"""Functions that are given the name of one; `pass` is what a test does."""
_HASHES: Final = re.compile(r"(?i)(?:sha|md)[_-]?\d{1,3}|bcrypt|scrypt|argon2\w{0,2}|pbkdf2\w*")
_ASKS: Final = re.compile(r"[:?]\s*\Z|\s\w+\s\w+\s\w+")
_LOGS_IN_AT: Final = (
    r"PDO|mysqli?(?:_p?connect)?|DBI->connect|ftp_login|ssh2_auth_password|odbc_p?connect|FTP(?:_TLS)?"
    r"|(?:pymysql|pymssql|MySQLdb|mariadb|mysql\.connector|psycopg[23]?|aiomysql)\.connect"
)
"""Functions that take a server, a user and a password."""
_LOGS_IN: Final = r"oci_p?connect|(?:cx_Oracle|oracledb)\.connect"
"""Functions that take a user and a password."""
_LOGS_IN_BY: Final = "mysqli?_real_connect"
"""Functions that take a connection, a server, a user and a password."""
_FIRST: Final = r"\s{0,24}[^\s,\[\x00][^,\n\[\x00]{0,200},"
"""An argument before them."""
_USER: Final = r"(?:[\"'][^\"'\n\[\x00]{0,100}[\"']|[$\w.>-]{1,60})"
_ALGORITHM: Final = re.compile(r"[A-Z]{2}\d{3}[A-Z]?")
"""Of web tokens: RS256."""
_INTO: Final = r"\b(?:insert|replace)\s+(?:or\s+\w+\s+|ignore\s+)?into\s+[\w.`\"\[\]]+\s*\("
_TEXT: Final = r"'(?:[^'\\\x00]|''|\\[^\x00])*'"
_ROW: Final = rf"\((?:{_TEXT}|\"[^\"\x00]*\"|\((?:{_TEXT}|[^()'\x00])*\)|[^()'\"\x00])*\)"
"""The values of a row, which may be calls."""
_ROWS: Final = re.compile(_ROW)
_INSERTED: Final = re.compile(
    r"\s*(?:(?:\w{1,20}\(\s?)?N?'((?:[^'\\]|''|\\.)*)'(?:[^()']*\))?|\"([^\"]*)\"|([^,()'\"]+(?:\([^()]*\))?))\s*(?:,|\Z)"
)
_PAIR: Final = re.compile(r"(?m)^[ \t]+(?:[\"']?[\w.\-]+[\"']?:[ \t]+[\"']?|(?=[0-9A-Za-z+/]{16,}={0,2}[ \t]*$))([^\s\"'|>#]+)")
"""A value behind its key, or a line of a block."""
_DATA: Final = re.compile(r"(?m)^(?:data|stringData):[ \t]*\r?\n((?:[ \t]+[^\n]*\n?|[ \t]*\n)+)")
_END_OF_MANIFEST: Final = re.compile(r"\n---|\x00")
_OF_NAMES: Final = f"{ascii_letters}{digits}_.-"
_LONGEST_NAME: Final = 60
"""Characters of a function's name that are looked at."""
_DOCUMENT: Final = 4000
"""Characters of a manifest that are looked at, before and after it says that it is a Secret."""


def _argument(candidate: Candidate) -> Iterable[Span]:
    """Take the second of two arguments, where the first one names a secret."""
    rule = secret_rule(candidate.group(1))
    number = group_of(candidate, (2, 3))
    value = candidate.group(number)
    function = _function_before(candidate)
    if rule is None or reads_as_code(value) or candidate.is_behind_placeholder(candidate.groups[0][0] + 1 - len(function)):
        return NOTHING
    is_setter = not _SETTERS.isdisjoint(words_of(function))
    if candidate.text[candidate.groups[1][1]] not in "\"']":
        is_constant = candidate.group(1).rpartition(".")[2].isupper()
        if not (is_setter and is_constant) or " " in value:
            return NOTHING
    elif not (is_setter or LIKE_A_SECRET.search(value)):
        return NOTHING
    return secret_part(rule, candidate.groups[number][0], value)


def _function_before(candidate: Candidate) -> str:
    """Return the name of the function whose last character a match begins with."""
    end = candidate.groups[0][0] + 1
    near = candidate.text[max(0, end - _LONGEST_NAME) : end]
    return near[len(near.rstrip(_OF_NAMES)) :].lstrip(".-")


def _called(candidate: Candidate) -> Iterable[Span]:
    """Take the only argument of a function whose name says secret."""
    name = candidate.group(1).removesuffix(".equals")
    rule, words = secret_rule(name), words_of(name.rpartition(".")[2])
    number = group_of(candidate, (2, 3, 4))
    value = candidate.group(number)
    if rule is None or rule.vague or not words or words[0] in _NO_SETTERS or _ASKS.search(value):
        return NOTHING
    if (len(words) == 1 and words[0] in _STORES) or _HASHES.fullmatch(value):
        return NOTHING
    return secret_part(rule, candidate.groups[number][0], value)


def _credential(candidate: Candidate) -> Iterable[Span]:
    return whole(candidate) if stands(candidate.value) and not candidate.follows_placeholder else NOTHING


def _told_apart(candidate: Candidate) -> Iterable[Span]:
    """Take a value that no name of a field stands before, if it is not a word."""
    value = candidate.value
    is_one = stands(value) and not reads_as_code(value) and not _ALGORITHM.fullmatch(value)
    return whole(candidate) if is_one and not candidate.follows_placeholder else NOTHING


def _inserted(candidate: Candidate) -> Iterable[Span]:
    """Take the values of columns whose names say secret."""
    names = [name.strip(' `"[]\n\t') for name in candidate.group(1).split(",")]
    rules = [secret_rule(name) for name in names]
    if not any(rules):
        return NOTHING
    return [span for row in _ROWS.finditer(candidate.text, *candidate.groups[2]) for span in _in_row(row, rules)]


def _in_row(row: re.Match[str], rules: list[KeyRule | None]) -> Iterator[Span]:
    """Yield the values of a row that their columns say are to go."""
    start, end = row.start() + 1, row.end() - 1
    for rule in rules:
        value = _INSERTED.match(row.string, start, end)
        if value is None or value.end() == start:
            return
        start, group = value.end(), value.lastindex or 0
        if rule is not None and group in (1, 2):
            yield from secret_part(rule, value.start(group), value[group])


def _manifest(candidate: Candidate) -> Iterable[Span]:
    """Take every value under `data` and `stringData` of a Kubernetes Secret, but for those that were taken already."""
    manifests: _Manifests | None = candidate.known.get("kubernetes_secret")
    if manifests is None:
        manifests = candidate.known["kubernetes_secret"] = _Manifests(candidate.text)
    return manifests.values_around(candidate.start)


class _Manifests:
    """Where in a text manifests end, and their data is: a text may say ten thousand times that it holds a Secret."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends = [match.start() for match in _END_OF_MANIFEST.finditer(text)]
        blocks = [*_DATA.finditer(text)]
        self._blocks = [block.start() for block in blocks]
        pairs = [pair for block in blocks for pair in _PAIR.finditer(text, *block.span(1))]
        self._pairs = [pair.start() for pair in pairs]
        self._last = [pair.end() for pair in pairs]
        self._secrets = [number for number, pair in enumerate(pairs) if stands(pair[1])]
        self._values = [pair.span(1) for pair in pairs]
        self._taken = 0

    def values_around(self, at: int) -> list[Span]:
        """Return the values in the manifest that a place is in."""
        first, last = self._manifest_at(at)
        block = bisect_left(self._blocks, first)
        if block == len(self._blocks):
            return []
        begin, end = bisect_left(self._pairs, self._blocks[block]), bisect_left(self._pairs, last)
        is_cut = end > begin and self._last[end - 1] > last
        taken = bisect_left(self._secrets, begin, self._taken), bisect_left(self._secrets, end - is_cut)
        found = [Span(*self._values[number]) for number in self._secrets[taken[0] : taken[1]]]
        self._taken = max(taken)
        if is_cut and (pair := _PAIR.match(self._text, self._pairs[end - 1], last)) and stands(pair[1]):
            found.append(Span(*pair.span(1)))
        return found

    def _manifest_at(self, at: int) -> tuple[int, int]:
        """Return where the manifest that a place is in begins and ends, as far as it is looked at."""
        first, last = max(0, at - _DOCUMENT), min(at + _DOCUMENT, len(self._text))
        number = bisect_left(self._ends, at)
        if number:
            end = self._ends[number - 1]
            first = max(first, end + (self._text[end] == "\0"))
        return first, min([last, *self._ends[number : number + 1]])


CALLS: Final = (
    Detector(
        name="argument_pair",
        type="SECRET",
        reason="A function that is told a name that says secret, and a value: define, setProperty, setdefault.",
        pattern=rf"(?i)[\w.\-]\(\s{{0,8}}(?:By\.\w{{1,20}},\s?)?(?:[\"'](?:[#.]|input\[(?:name|type)=)?)?({NAME}){_NEXT}{SHORT_QUOTED}\s{{0,3}}>{{0,2}}[,)]",
        parts=rf"(?i)[\w.\-]\(\s{{0,8}}(?:By\.\w{{1,20}},\s?)?(?:[\"'](?:[#.]|input\[(?:name|type)=)?)?({NAME_THERE}){_NEXT}{SHORT_QUOTED}",
        trigger=rf"(?i)\((?:By\.\w+,)?[\s\"']*[\w.\-$#\[=]*(?:{SENSITIVE})[\w.\-]*(?:[\"']?\s*,\s*(?:default\s?=\s?)?|\]?[\"']\)\s*\.\w+\()(?:[bu]|<<)?[\"']",
        judge=_argument,
        rank=Rank.ASSIGNED_SECRET,
        example="define('DB_PASSWORD', 'sunshine');",
        counter_example="addError('password', 'required')",
    ),
    Detector(
        name="argument",
        type="SECRET",
        reason="A function whose name says secret, and its only argument.",
        pattern=rf"(?i)({NAME})[({{]\s{{0,3}}[bun]?(?:{QUOTED}){_MADE}\s{{0,3}}[)}}]",
        parts=rf"(?i)({NAME_THERE})[({{]\s{{0,3}}[bun]?(?:{QUOTED}){_MADE}\s{{0,3}}[)}}]",
        trigger=rf"(?i)(?:{SENSITIVE})[\w.\-]*[({{]\s*[bun]?[\"'`]",
        judge=_called,
        rank=Rank.ASSIGNED_SECRET,
        example='user.setPassword("sunshine");',
        counter_example='getpass("Password: "); validate_token("x")',
    ),
    Detector(
        name="credentials_call",
        type="SECRET",
        reason="User and password side by side, or payload and key, as well-known functions take them.",
        pattern=(
            rf"(?i)(?:\bauth\s?=\s?|\bHTTP(?:Basic|Digest|Proxy)?Auth|\.basic_auth|\bBasicAuth(?:entication)?|\bBasicCredentials|\.login|\bsetBasicAuth"
            rf"|\bUsernamePasswordCredentials|\b(?:PS|Sql)Credential\s?|\bNetworkCredential|\bPlainAuth\(\"\",\s?"
            r"|\bPasswordAuthentication"
            r"|\b(?:getConnection\([^,()\n\[\x00]{1,200}|(?:DirectoryEntry|Sequelize|imap_open)\([^,\n\[\x00]{1,200}),)"
            rf"\s?[(\[]?\s?[\"'][^\"'\n\[\x00]{{0,100}}[\"']\s?,\s?(?:Some\()?{SHORT_QUOTED}"
            rf"|\b(?:Fernet\(|hmac\.new\(|AES\.new\(|SecretKeySpec\(|SymmetricSecurityKey\(|hmacShaKeyFor\(|create(?:Hmac|Cipheriv|Decipheriv)\(\s?[\"'][\w-]{{1,20}}[\"'],"
            rf"|pgp_sym_(?:en|de)crypt\([^,\n\[\x00]{{1,80}},)\s?(?:Encoding\.\w{{1,10}}\.GetBytes\(|Buffer\.from\()?b?{SHORT_QUOTED}"
            rf"|\bjwt\.(?:sign|verify|encode|decode)\([^\"'()\n\[\x00]{{1,100}},\s?{SHORT_QUOTED}"
            rf"|\bConvertTo-SecureString\s(?:-(?:String|AsPlainText|Force)\s){{0,3}}(?:{SHORT_QUOTED}|([^\s\"'$(\-\x00][^\s\"'\x00]{{3,}}))"
            r"|\bCURLOPT_(?:\w*USERPWD|\w*PASSW(?:OR)?D|\w*BEARER),\s?\"([^\"\n\x00]+)\""
            rf"|\bstrcmp\(\s?{NAME},\s?{SHORT_QUOTED}"
        ),
        trigger=(
            r"(?i)auth\s?=\s?[(\[]|http(?:basic|digest|proxy)?auth[(\[]|basic_auth\(|fernet\(|hmac\.new\(|aes\.new\(|secretkeyspec\(|securitykey\("
            r"|hmacshakeyfor\(|create(?:hmac|cipheriv|decipheriv)\(|pgp_sym_|basic(?:auth|credentials)|(?:ps|sql)credential|\.login\(|passwordcredentials"
            r"|networkcredential|directoryentry|plainauth|passwordauthentication|getconnection|sequelize\(|imap_open"
            r"|jwt\.(?:sign|verify|encode|decode)|convertto-securestring|curlopt_\w+,\s*\"|strcmp"
        ),
        judge=_told_apart,
        rank=Rank.ASSIGNED_SECRET,
        example='requests.get(url, auth=("bob", "sunshine"))',
        counter_example="requests.get(url, auth=(user, password))",
    ),
    Detector(
        name="login_call",
        type="SECRET",
        reason="The user and the password that functions of databases and servers take, by their places.",
        pattern=(
            rf"(?i)(?:\b(?:(?:{_LOGS_IN_AT})\({_FIRST}|(?:{_LOGS_IN})\(|{_LOGS_IN_BY}\({_FIRST}{_FIRST})|->real_connect\({_FIRST}|\.connect\({_FIRST}\s?\d{{1,5}}\s?,)"
            rf"\s{{0,24}}{_USER}\s?,\s{{0,24}}{SHORT_QUOTED}"
        ),
        trigger=rf"(?i)(?:{_LOGS_IN_AT}|{_LOGS_IN}|{_LOGS_IN_BY}|->real_connect|\.connect)\(",
        judge=_told_apart,
        rank=Rank.ASSIGNED_SECRET,
        example='pymysql.connect("db.example.org", "bob", "sunshine", "shop")',
        counter_example="pymysql.connect(host, user, password, database)",
    ),
    Detector(
        name="piped_secret",
        type="SECRET",
        reason="A text that PowerShell makes a secret of.",
        pattern=r"(?i)(?:\"([^\"\n\x00]+)\"|'([^'\n\x00]+)')\s?\|\s?ConvertTo-SecureString\b",
        trigger=r"(?i)\|\s?convertto-securestring",
        judge=_told_apart,
        rank=Rank.ASSIGNED_SECRET,
        example="'sunshine1' | ConvertTo-SecureString -AsPlainText -Force",
        counter_example="$password | ConvertTo-SecureString -AsPlainText -Force",
    ),
    Detector(
        name="insert",
        type="SECRET",
        reason="A row that SQL inserts, where a column's name says secret.",
        pattern=rf"(?i){_INTO}([^()\x00]+)\)\s*values\s*({_ROW}(?:\s*,\s*{_ROW})*)",
        trigger=f"(?i){_INTO}",
        judge=_inserted,
        rank=Rank.ASSIGNED_SECRET,
        example="INSERT INTO users (name, password) VALUES ('bob', 'sunshine1')",
        counter_example="INSERT INTO users (name, city) VALUES ('bob', 'sunshine1')",
    ),
    Detector(
        name="netrc",
        type="SECRET",
        reason="The password of a machine in a .netrc file.",
        pattern=r"(?:machine\s+[^\s\x00]+|\bdefault)\s+(?:login|account)\s+[^\s\x00]+\s+password\s+([^\s\x00]+)",
        trigger=r"(?:login|account)\s+[^\s]+\s+password\s",
        judge=_credential,
        rank=Rank.STRUCTURED_SECRET,
        example="machine api.example.org login bob password sunshine",
        counter_example="machine api.example.org login bob",
    ),
    Detector(
        name="pgpass",
        type="SECRET",
        reason="The last of the five fields of a line of a .pgpass file.",
        pattern=(
            r"(?:^|[\n\x00])(?:[A-Za-z*][\w.\-]*|\d+\.\d+\.\d+\.\d+):(?:\d{4,5}|\*)"
            r":[A-Za-z_*][\w-]*:[A-Za-z_*][\w-]*:([^\s:\x00]+)(?:[\r\n\x00]|$)"
        ),
        trigger=r"[\w*]:(?:\d{4,5}|\*):[A-Za-z_*][\w-]*:[A-Za-z_*]",
        judge=_credential,
        rank=Rank.STRUCTURED_SECRET,
        example="db.example.org:5432:shop:app:sunshine",
        counter_example="db.example.org:5432:shop",
    ),
    Detector(
        name="password_hash",
        type="SECRET",
        reason="A hashed password, as in /etc/shadow, .htpasswd and LDAP: it can be guessed at leisure.",
        pattern=(
            r"\$(?:apr1|1|2[abxy]|[5-9]|y|gy|argon2\w{1,2}|pbkdf2[\w-]*|scrypt|P|krb5\w{2,6}|sha1|md5,rounds=\d{1,9})\$[\w./=,:@*+$-]{18,}"
            r"|\{S?(?:SHA|MD5|CRYPT)\d{0,3}\}([\w./+=$]{12,})"
        ),
        trigger=r"\$(?:apr1|1|2[abxy]|[5-9]|y|gy|scrypt|P|sha1)\$[\w./*]|\$(?:argon2|pbkdf2|krb5|md5,)|\{S?(?:SHA|MD5|CRYPT)\d*\}",
        judge=_credential,
        rank=Rank.STRUCTURED_SECRET,
        example="bob:$apr1$Qx9vK2Zr$8sQvKZ2RyZ7Yz4h1xXW9q/",
        counter_example="costs $5$ and $6$ or {SHA}",
    ),
    Detector(
        name="kubernetes_secret",
        type="SECRET",
        reason="The values of a Kubernetes Secret, whatever their keys are called.",
        pattern=r"(?:^|[\n\x00])[ \t]{0,8}kind:[ \t]*[\"']?(Secret)[\"']?[ \t]*(?:\r?\n|$)",
        trigger=r"kind:[ \t]*[\"']?Secret",
        judge=_manifest,
        reach=0,
        rank=Rank.ASSIGNED_SECRET,
        example="kind: Secret\ndata:\n  user: YWRtaW4=\n",
        counter_example="kind: SecretStore\ndata:\n  user: YWRtaW4=\n",
    ),
)
"""Detectors of secrets in calls, rows and files of their own form."""

"""ClickHouse's errors: their codes, and the HTTP status that its own server answers with."""

import re
from enum import IntEnum
from typing import Final


class Code(IntEnum):
    """ClickHouse's codes for the errors that the server raises itself."""

    BAD_ARGUMENTS = 36
    NOT_IMPLEMENTED = 48
    SYNTAX_ERROR = 62
    CANNOT_WRITE_TO_FILE_DESCRIPTOR = 75
    UNKNOWN_COMPRESSION_METHOD = 89
    CANNOT_DECOMPRESS = 271
    UNKNOWN_SETTING = 115
    READONLY = 164
    NOT_ENOUGH_SPACE = 243
    INTO_OUTFILE_NOT_ALLOWED = 358
    SESSION_NOT_FOUND = 372
    SESSION_IS_LOCKED = 373
    AUTHENTICATION_FAILED = 516
    UNKNOWN_EXCEPTION = 1002


_CODE = re.compile(r"Code: (\d+)")

# As in src/Server/HTTP/exceptionCodeToHTTPStatus.cpp of ClickHouse; every other code is 500.
_STATUS: Final = {
    400: (6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376, 427, 441, 675, 676),
    401: (194,),
    403: (192, 193, 497, 512, 516),
    404: (46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511),
    408: (159,),
    411: (381,),
    413: (229,),
    415: (779,),
    501: (48,),
    503: (76, 209, 439),
}


class EngineError(Exception):
    """ClickHouse refused a statement; `code` is its error code, the text its message as its own server words it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code

    @property
    def status(self) -> int:
        """The HTTP status for this error."""
        return next((status for status, codes in _STATUS.items() if self.code in codes), 500)


def engine_error(error: Exception) -> EngineError:
    """Return what chDB raised with the code that its text names."""
    text = str(error)
    found = _CODE.search(text)
    return EngineError(int(found[1]) if found else Code.UNKNOWN_EXCEPTION, text)


def refusal(code: Code, text: str) -> EngineError:
    """Return an error of the server's own in ClickHouse's words."""
    return EngineError(code, f"Code: {code.value}. DB::Exception: {text}. ({code.name})")

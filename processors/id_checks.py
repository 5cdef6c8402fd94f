"""Check digits of personal numbers, of those for which python-stdnum takes ten times as long: a text may hold thousands."""

from collections.abc import Sequence
from datetime import date
from operator import mul
from typing import Final

_DIGITS_AND_CAPITALS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUES: Final = bytes([byte - 48 if 48 <= byte < 58 else 0 for byte in range(256)])
"""What each digit is worth, by its character."""
_CHINESE_WEIGHTS: Final = tuple(pow(2, 17 - position, 11) for position in range(17))
_CNPJ_WEIGHTS: Final = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
_CPF_WEIGHTS: Final = (11, 10, 9, 8, 7, 6, 5, 4, 3, 2)
_CURP_WEIGHTS: Final = tuple(range(18, 1, -1))
_CURP_VALUES: Final = {char: value for value, char in enumerate("0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ")}
_EAN_WEIGHTS: Final = (1, 3) * 6
_DNI_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU_CHECKS: Final = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_HETU_CENTURIES: Final = {"+": 1800, "-": 1900, "A": 2000}
_HETU_NUMBERS: Final = range(2, 900)
"""What tells persons with one day of birth apart; higher numbers are for a time only."""
_FISCAL_ODD: Final[dict[str, int]] = dict(
    zip(
        _DIGITS_AND_CAPITALS,
        (
            1,
            0,
            5,
            7,
            9,
            13,
            15,
            17,
            19,
            21,
            1,
            0,
            5,
            7,
            9,
            13,
            15,
            17,
            19,
            21,
            2,
            4,
            18,
            20,
            11,
            3,
            6,
            8,
            12,
            14,
            16,
            10,
            22,
            25,
            24,
            23,
        ),
        strict=True,
    )
)
_FISCAL_EVEN: Final = {char: value if value < 10 else value - 10 for value, char in enumerate(_DIGITS_AND_CAPITALS)}


def _weighted(weights: Sequence[int], digits: str) -> int:
    """Return the sum of the digits, each times its weight."""
    return sum(map(mul, weights, digits.encode().translate(_VALUES)))


def chinese(number: str) -> bool:
    """Tell whether the last of eighteen characters checks the others (GB 11643-1999, ISO 7064 mod 11-2)."""
    check = (12 - _weighted(_CHINESE_WEIGHTS, number[:17]) % 11) % 11
    return number[17] == ("X" if check > 9 else str(check))


def cnpj(number: str) -> bool:
    """Tell whether the last two of fourteen digits check the others (Receita Federal)."""
    first = 11 - _weighted(_CNPJ_WEIGHTS[1:], number[:12]) % 11
    second = 11 - _weighted(_CNPJ_WEIGHTS, number[:13]) % 11
    return number[12:] == f"{first if first < 10 else 0}{second if second < 10 else 0}"


def cpf(number: str) -> bool:
    """Tell whether the last two of eleven digits check the others (Receita Federal); nobody has nothing but zeros."""
    first = 11 - _weighted(_CPF_WEIGHTS[1:], number[:9]) % 11
    second = 11 - _weighted(_CPF_WEIGHTS, number[:10]) % 11
    checks = f"{first if first < 10 else 0}{second if second < 10 else 0}"
    return number[9:] == checks and number != "00000000000"


def nir(number: str) -> bool:
    """Tell whether the last two of fifteen characters are the key of the others (INSEE); Corsica has letters in them."""
    digits = number.replace("2A", "19", 1).replace("2B", "18", 1) if not number.isdigit() else number
    return 97 - int(digits[:13]) % 97 == int(digits[13:])


def hetu(number: str) -> bool:
    """Tell whether a Finnish code has its check character and a day of birth (DVV): a hyphen in it may be left out."""
    birth, century, person = number[:6], number[6:-4] or "-", number[-4:-1]
    if number[-1] != _HETU_CHECKS[int(birth + person) % 31] or int(person) not in _HETU_NUMBERS:
        return False
    try:
        date(_HETU_CENTURIES[century] + int(birth[4:]), int(birth[2:4]), int(birth[:2]))
    except ValueError:
        return False
    return True


def nie(number: str) -> bool:
    """Tell whether the letter checks a Spanish foreigner's number: X, Y or Z, seven digits, a letter."""
    return number[8] == _DNI_LETTERS[int(f"{'XYZ'.index(number[0])}{number[1:8]}") % 23]


def ahv(number: str) -> bool:
    """Tell whether the last of thirteen digits checks the others (EAN-13)."""
    return -_weighted(_EAN_WEIGHTS, number[:12]) % 10 == int(number[12])


def curp(number: str) -> bool:
    """Tell whether the last of eighteen characters checks the others (RENAPO)."""
    return number[17] == str(-sum(map(mul, _CURP_WEIGHTS, map(_CURP_VALUES.__getitem__, number[:17]))) % 10)


def codice_fiscale(number: str) -> bool:
    """Tell whether the last of sixteen characters checks the others (D.M. 23 December 1976)."""
    odd = sum(map(_FISCAL_ODD.__getitem__, number[0:15:2]))
    even = sum(map(_FISCAL_EVEN.__getitem__, number[1:15:2]))
    return number[15] == chr(65 + (odd + even) % 26)

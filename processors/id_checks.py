"""Check digits of personal numbers, of those for which python-stdnum takes ten times as long: a text may hold thousands."""

from operator import mul
from typing import Final

_DIGITS_AND_CAPITALS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CHINESE_WEIGHTS: Final = tuple(pow(2, 17 - position, 11) for position in range(17))
_CNPJ_WEIGHTS: Final = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
_CURP_WEIGHTS: Final = tuple(range(18, 1, -1))
_CURP_VALUES: Final = {char: value for value, char in enumerate("0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ")}
_EAN_WEIGHTS: Final = (1, 3) * 6
_DNI_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
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


def chinese(number: str) -> bool:
    """Tell whether the last of eighteen characters checks the others (GB 11643-1999, ISO 7064 mod 11-2)."""
    check = (12 - sum(map(mul, _CHINESE_WEIGHTS, map(int, number[:17]))) % 11) % 11
    return number[17] == ("X" if check > 9 else str(check))


def cnpj(number: str) -> bool:
    """Tell whether the last two of fourteen digits check the others (Receita Federal)."""
    digits = [*map(int, number)]
    first = 11 - sum(map(mul, _CNPJ_WEIGHTS[1:], digits)) % 11
    second = 11 - sum(map(mul, _CNPJ_WEIGHTS, digits)) % 11
    return digits[12:] == [first % 11 % 10 if first < 10 else 0, second if second < 10 else 0]


def nie(number: str) -> bool:
    """Tell whether the letter checks a Spanish foreigner's number: X, Y or Z, seven digits, a letter."""
    return number[8] == _DNI_LETTERS[int(f"{'XYZ'.index(number[0])}{number[1:8]}") % 23]


def ahv(number: str) -> bool:
    """Tell whether the last of thirteen digits checks the others (EAN-13)."""
    check: int = -sum(map(mul, _EAN_WEIGHTS, map(int, number[:12]))) % 10
    return check == int(number[12])


def curp(number: str) -> bool:
    """Tell whether the last of eighteen characters checks the others (RENAPO)."""
    return number[17] == str(-sum(map(mul, _CURP_WEIGHTS, map(_CURP_VALUES.__getitem__, number[:17]))) % 10)


def codice_fiscale(number: str) -> bool:
    """Tell whether the last of sixteen characters checks the others (D.M. 23 December 1976)."""
    odd = sum(map(_FISCAL_ODD.__getitem__, number[0:15:2]))
    even = sum(map(_FISCAL_EVEN.__getitem__, number[1:15:2]))
    return number[15] == chr(65 + (odd + even) % 26)

"""Check digits of personal numbers: those of langtrail say what python-stdnum says."""

import random
import string
from collections.abc import Callable

import pytest
from stdnum import ean
from stdnum.br import cnpj, cpf
from stdnum.cn import ric
from stdnum.es import nie
from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.it import codicefiscale
from stdnum.mx import curp

from langtrail.processors import id_checks

CHANCE = random.Random(23)  # noqa: S311 - always the same numbers


def of(shape: str) -> str:
    """Return a number of a shape: # is a digit, @ a letter, everything else itself."""
    choices = {"#": string.digits, "@": string.ascii_uppercase}
    return "".join(CHANCE.choice(choices[char]) if char in choices else char for char in shape)


def checks(validate: Callable[[str], str], number: str) -> bool:
    """Tell whether a validator of stdnum has nothing against the check digit."""
    try:
        validate(number)
    except InvalidChecksum:
        return False
    except ValidationError:
        pytest.fail(f"{number} has another mistake")
    return True


@pytest.mark.parametrize(
    ("ours", "theirs", "shape"),
    [
        (id_checks.chinese, ric.validate, "36042619910101####"),
        (id_checks.chinese, ric.validate, "36042619910101###X"),
        (id_checks.nie, nie.validate, "X#######@"),
        (id_checks.nie, nie.validate, "Z#######W"),
        (id_checks.cnpj, cnpj.validate, "167272300001##"),
        (id_checks.cnpj, cnpj.validate, "#####230000197"),
        (id_checks.cpf, cpf.validate, "390533447##"),
        (id_checks.cpf, cpf.validate, "#########05"),
        (id_checks.nir, nir.validate, "2951099126111##"),
        (id_checks.nir, nir.validate, "285052A0068##3#"),
        (id_checks.nir, nir.validate, "285052B00##0843"),
        (id_checks.hetu, hetu.validate, "131052-3##T"),
        (id_checks.hetu, hetu.validate, "131052A3#8#"),
        (id_checks.hetu, hetu.validate, "131052+3##T"),
        (id_checks.ahv, ean.validate, "756##########"),
        (id_checks.curp, curp.validate, "BOXW310820HNERXN##"),
        (id_checks.codice_fiscale, codicefiscale.validate, "RCCMNL83S18D###@"),
    ],
)
def test_the_check_digit_is_what_stdnum_says(ours: Callable[[str], bool], theirs: Callable[[str], str], shape: str) -> None:
    """A thousand numbers each, valid and not."""
    numbers = [of(shape) for _ in range(1000)]
    assert [ours(number) for number in numbers] == [checks(theirs, number) for number in numbers]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("131052308T", True),
        ("290200A002C", True),
        ("290201A002M", False),
        ("290200+002C", False),
        ("131052-900W", False),
        ("131052-001W", False),
    ],
)
def test_a_finnish_code_is_of_a_day_and_of_a_person(number: str, expected: bool) -> None:
    """Its hyphen may be left out; 29 February is one every four years, and some numbers are not given."""
    written = number if len(number) > 10 else f"{number[:6]}-{number[6:]}"
    assert (id_checks.hetu(number), hetu.is_valid(written)) == (expected, expected)


def test_nobody_has_a_number_of_zeros() -> None:
    """Brazil's check digits fit it, and it is none."""
    assert not id_checks.cpf("0" * 11)

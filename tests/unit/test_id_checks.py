"""Check digits of personal numbers: those of langtrail say what python-stdnum says."""

import random
import string
from collections.abc import Callable

import pytest
from stdnum import ean
from stdnum.br import cnpj
from stdnum.cn import ric
from stdnum.es import nie
from stdnum.exceptions import InvalidChecksum, ValidationError
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
        (id_checks.ahv, ean.validate, "756##########"),
        (id_checks.curp, curp.validate, "BOXW310820HNERXN##"),
        (id_checks.codice_fiscale, codicefiscale.validate, "RCCMNL83S18D###@"),
    ],
)
def test_the_check_digit_is_what_stdnum_says(ours: Callable[[str], bool], theirs: Callable[[str], str], shape: str) -> None:
    """A thousand numbers each, valid and not."""
    numbers = [of(shape) for _ in range(1000)]
    assert [ours(number) for number in numbers] == [checks(theirs, number) for number in numbers]

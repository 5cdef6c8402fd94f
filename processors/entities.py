"""Named entities: persons and places that no pattern finds, by a recogniser of another package. A policy asks for it."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Final, NamedTuple, Protocol

from .detector import Candidate, Detector, Rank, Span
from .event import Withheld
from .findings import PLACEHOLDER, TYPES

ENTRY_POINTS: Final = "langtrail.entities"
"""The group of entry points in which a package offers a recogniser of its own: a callable like `presidio`."""
PRESIDIO: Final = "presidio"
DETECTOR: Final = "entities"
"""Name of the detector."""

_PATTERN = r"[^\x00]+"
_MOST_CHARACTERS: Final = 50_000
"""Of a text that is given to a recogniser; longer ones are withheld, they would take seconds."""
_LEAST_SCORE: Final = 0.4
_OURS = re.compile(PLACEHOLDER)
_TYPE_OF: Final = {"LOCATION": "ADDRESS", "PHONE_NUMBER": "PHONE", "EMAIL_ADDRESS": "EMAIL"}
"""Types of ours for names of other people's; what is neither has a type of its own that begins with CUSTOM_."""
_COMPANIES: Final = frozenset(
    one.strip()
    for one in """
    john deere;harley davidson;louis vuitton;calvin klein;ralph lauren;tommy hilfiger;hugo boss;jack daniel;jack daniels
    jim beam;johnnie walker;aston martin;alfa romeo;rolls royce;mercedes benz;morgan stanley;wells fargo;edward jones
    ernst young;johnson johnson;dolce gabbana;marc jacobs;michael kors;kate spade;jimmy choo;victoria secret;ben jerry;dr pepper
    charles schwab;estee lauder;walt disney;warner bros;eli lilly;philip morris;eddie bauer;dunlop slazenger
    bang olufsen;smith wesson
    """.replace("\n", ";").split(";")
)
"""Companies and makes that are called like persons: recognisers take these for some, and no one is told of by them."""


class Finder(Protocol):
    """Finds named entities in a text: yields the name of each, its start and its end, in characters."""

    def __call__(self, text: str, names: Collection[str]) -> Iterable[tuple[str, int, int]]:
        """Find the entities of these names. What it raises withholds the text."""


class Asked(NamedTuple):
    """What a policy asks for."""

    find: tuple[str, ...]
    """Names of entities, as the recogniser has them."""
    by: str = PRESIDIO
    language: str = "en"
    model: str = "en_core_web_sm"


class CannotFind(ValueError):
    """A recogniser is not there; the text says what to install."""


def finder(asked: Asked) -> Finder:
    """Return the recogniser that is asked for, loaded; the first time that takes seconds. Raises CannotFind."""
    if asked.by == PRESIDIO:
        return presidio(asked.language, asked.model)
    for point in entry_points(group=ENTRY_POINTS):
        if point.name == asked.by:
            made: Finder = point.load()(asked.language, asked.model)
            return made
    raise CannotFind(f"no package offers a recogniser of this name as an entry point of {ENTRY_POINTS}")


@cache
def presidio(language: str, model: str) -> Finder:
    """Return Presidio's analyser with a model of spaCy's. Raises CannotFind when either is not installed."""
    try:
        analyzer: Any = import_module("presidio_analyzer")
        engines: Any = import_module("presidio_analyzer.nlp_engine")
    except ModuleNotFoundError:
        raise CannotFind("needs Presidio: run `pip install langtrail[ner]`") from None
    keep_offline()
    if not import_module("spacy").util.is_package(model):
        raise CannotFind(f"needs the model {model}: install the package of spaCy's models that has it")
    models = [{"lang_code": language, "model_name": model}]
    engine = engines.NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models}).create_engine()
    analysis = analyzer.AnalyzerEngine(nlp_engine=engine, supported_languages=[language])

    def find(text: str, names: Collection[str]) -> Iterable[tuple[str, int, int]]:
        found = analysis.analyze(text, language=language, entities=[*names], score_threshold=_LEAST_SCORE)
        return [(one.entity_type, one.start, one.end) for one in found]

    return find


def keep_offline() -> None:
    """Have Presidio use the list of public suffixes that it came with; else it asks a server for one."""
    suffixes: Any = import_module("tldextract")
    suffixes.tldextract.TLD_EXTRACTOR = suffixes.TLDExtract(suffix_list_urls=())


def asked_of(table: Mapping[str, Any]) -> Asked:
    """Return what the table of a policy asks for."""
    return Asked(tuple(table["find"]), **{key: value for key, value in table.items() if key != "find"})


def entity_detector(asked: Asked, find: Finder) -> Detector:
    """Return the detector that has a recogniser look at every text, whole."""
    return Detector(
        name=DETECTOR,
        type="PERSON",
        reason="A recogniser of named entities says so.",
        pattern=_PATTERN,
        judge=_judge(asked.find, find),
        rank=Rank.ENTITY,
        whole=True,
        example="",
        counter_example="",
    )


def type_of(name: str) -> str:
    """Return the type of ours that stands for an entity's name."""
    return name if name in TYPES else _TYPE_OF.get(name, f"CUSTOM_{name[:20]}")


def _judge(names: Collection[str], find: Finder) -> Callable[[Candidate], Iterable[Span]]:
    def judge(candidate: Candidate) -> Iterable[Span]:
        text, offset = candidate.value, candidate.start
        if len(text) > _MOST_CHARACTERS:
            raise Withheld("the text is too long for the recogniser of entities")
        taken = [match.span() for match in _OURS.finditer(text)]
        try:
            found = sorted(find(text, names), key=lambda one: one[1])
        except Exception as error:  # whatever another package does, nothing unjudged goes on
            raise Withheld("the recogniser of entities failed") from error
        return [
            Span(offset + start, offset + end, type_of(name))
            for name, start, end in found
            if not any(start < last and first < end for first, last in taken) and _is_somebody(text[start:end])
        ]

    return judge


def _is_somebody(value: str) -> bool:
    words = " ".join(re.findall(r"[^\W\d_]+", value.lower()))
    return bool(words) and words.removesuffix(" s") not in _COMPANIES

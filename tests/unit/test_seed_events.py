"""Made-up sessions: well formed, realistic enough to measure with, and the same for the same seed."""

from langtrail.deploy.seed import encode_seeded
from langtrail.deploy.seed_events import Period, session_events, stream_events
from langtrail.processors.sink_batch import event_hash_at
from langtrail.processors.sink_load import flaw
from langtrail.schemas import AUDIT_EVENT, CORE_GROUPS, encode_group, event_hash, record_hash, registry

PERIOD = Period(1_790_000_000_000_000, 30)
SCHEMA = registry().latest(AUDIT_EVENT)


def test_a_session_is_always_the_same() -> None:
    """Its number and the seed decide, not what was made before it; another seed makes another."""
    assert list(session_events(1, 7, PERIOD)) == list(session_events(1, 7, PERIOD))
    assert list(session_events(1, 7, PERIOD)) != list(session_events(2, 7, PERIOD))


def test_every_event_is_well_formed_and_has_its_hashes() -> None:
    """They are what a worker would have sealed: the one encoding, the hash of the core, and the hash of all of it."""
    events = list(stream_events(1, 0, PERIOD, 400, range(40)))
    at = event_hash_at(SCHEMA)
    for event in events:
        datum = encode_seeded(event)
        assert flaw(SCHEMA, datum) is None
        assert datum[:32] == record_hash(datum[32:])
        assert datum[at : at + 32] == event_hash(b"".join(encode_group(group, event) for group in CORE_GROUPS))


def test_a_session_is_one_persons_and_goes_forward() -> None:
    """All its events share tenant, person and session, begin with a question and end with its answer, in the order of time."""
    for number in range(30):
        events = list(session_events(3, number, PERIOD))
        assert len({(e["tenant_id"], e["principal_id"], e["session_id"]) for e in events}) == 1
        assert (events[0]["event_type"], events[-1]["event_type"]) == ("chain_start", "chain_end")
        times = [e["occurred_at"] for e in events]
        assert times == sorted(times)
        assert times[0] >= PERIOD.begin_us


def test_a_stream_is_whole() -> None:
    """It has as many events as it was asked for, numbered from its opening on, and an end where there is room for one."""
    for wanted in (1, 2, 3, 50):
        events = list(stream_events(1, 4, PERIOD, wanted, range(40)))
        assert [event["seq"] for event in events] == list(range(wanted))
        assert len({event["stream_id"] for event in events}) == 1
        assert events[0]["event_type"] == "stream_open"
        assert (events[-1]["event_type"] == "stream_close") == (wanted > 1)


def test_use_is_spread_as_it_is_in_life() -> None:
    """A few tenants have most of the sessions, all have some, and several models answer."""
    firsts = [next(session_events(1, number, PERIOD)) for number in range(600)]
    sizes = sorted((sum(e["tenant_id"] == t for e in firsts) for t in {e["tenant_id"] for e in firsts}), reverse=True)
    assert len(sizes) > 15
    assert sizes[0] > 100
    models = {e["response_model"] for n in range(60) for e in session_events(1, n, PERIOD) if e["event_type"] == "llm_end"}
    assert len(models) == 4

"""What the demo asks about its story, in SQL that can be pasted after `langtrail sql`."""

from typing import Final

SESSION: Final = "crm-sync-1"
"""The session that the demo shows as a tree."""

QUESTIONS: Final = {
    "Who triggered each request, and how did it end?": """
SELECT tenant_name AS tenant, principal_id, trigger, trigger_id, session_id,
       uniq(run_id) AS requests, ifNull(max(outcome), 'never ended') AS ended
FROM trail WHERE run_id = root_run_id GROUP BY ALL ORDER BY tenant, ended DESC, principal_id""",
    "What data did the former contractor's job read?": """
SELECT tool_name, redaction_types AS redacted, redaction_counts AS times,
       JSONExtractString(output, 'content') AS returned
FROM trail WHERE trigger_id = 'crm-sync' AND event_type = 'tool_end'""",
    "What failed?": """
SELECT tenant_id, session_id, tool_name, error_type, error_message
FROM trail WHERE event_type = 'tool_error'""",
    "What began and never ended?": """
SELECT session_id, argMin(component, occurred_at) AS run, min(occurred_at) AS began,
       ifNull(max(outcome), 'open') AS state, argMax(app, occurred_at) AS said_by
FROM trail WHERE run_id IS NOT NULL
GROUP BY session_id, run_id HAVING countIf(outcome != 'abandoned') = 0 ORDER BY began""",
    "What did it cost?": """
SELECT u.tenant_id AS tenant, u.provider AS provider, u.model AS model,
       sum(u.requests) AS requests, sum(u.tokens) AS tokens, sum(u.cost_usd) AS cost_usd
FROM usage_daily AS u GROUP BY ALL ORDER BY cost_usd DESC""",
    "How long did an event take from the callback until it could be asked for?": """
SELECT if(app = 'archive-job', 'killed', 'live') AS its_process, count() AS events,
       toInt64(quantile(0.5)(ms)) AS median_ms, toInt64(quantile(0.99)(ms)) AS p99_ms
FROM (SELECT app, dateDiff('millisecond', occurred_at, _ingested_at) AS ms FROM trail
      WHERE app != 'langtrail-watch')
GROUP BY its_process ORDER BY median_ms""",
    "Is anything missing?": """
SELECT app, count() AS streams, sum(highest) + count() AS numbered, sum(there) AS stored
FROM (SELECT app, stream_id, max(seq) AS highest, uniqExact(seq) AS there
      FROM trail WHERE app != 'langtrail-watch' GROUP BY ALL)
GROUP BY app ORDER BY app""",
}
"""What the demo asks, by the heading of its answer."""

WHO, DATA, FAILED, OPEN, COST, TIME, MISSING = QUESTIONS

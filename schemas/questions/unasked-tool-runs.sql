-- Tool runs whose call id no model asked for: the newest first.
-- tenant = NULL: only tools that ran for this tenant
-- since = NULL: only tools that ran from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: only tools that ran before this time
-- limit = 1000: how many rows at most
--
-- An application, an injected message or a forged id set the tool off, not an answer of a model of the same session. A tool that
-- was called without an id is no such run. unread_answers counts the session's answers whose text is not in the store whole
-- (withheld, or cut): where there are any, the call may have been asked for there.
WITH
    ran AS
    (
        SELECT
            t.tenant_id AS tenant_id,
            t.session_id AS session_id,
            assumeNotNull(t.tool_call_id) AS tool_call_id,
            t.run_id AS run_id,
            min(coalesce(t.started_at, t.occurred_at)) AS ran_at,
            any(t.principal_id) AS principal_id,
            any(t.tool_name) AS tool,
            any(t.tool_effect) AS tool_effect,
            any(t.outcome) AS outcome
        FROM events AS t
        WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
          AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
          AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
          AND t.event_type IN ('tool_start', 'tool_end', 'tool_error')
          AND t.tool_call_id IS NOT NULL
        GROUP BY tenant_id, session_id, tool_call_id, run_id
    ),
    answers AS
    (
        SELECT
            t.tenant_id AS tenant_id,
            t.session_id AS session_id,
            t.output IS NULL OR t.redaction_status = 'withheld' OR t.truncated AS is_unread,
            JSONExtract(ifNull(t.output, ''), 'Array(Tuple(tool_calls Array(Tuple(name String, id String))))') AS messages,
            arrayFlatten(messages.tool_calls).id AS asked
        FROM events AS t FINAL
        PREWHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
            AND t.event_type = 'llm_end'
            AND t.session_id IN (SELECT session_id FROM ran)
        WHERE is_unread OR t.output LIKE '%"tool_calls"%'
    )
SELECT
    r.ran_at AS ran_at,
    r.tenant_id AS tenant_id,
    r.session_id AS session_id,
    r.principal_id AS principal_id,
    r.tool AS tool,
    r.tool_effect AS tool_effect,
    r.tool_call_id AS tool_call_id,
    r.outcome AS outcome,
    toString(r.run_id) AS run_id,
    u.unread_answers AS unread_answers
FROM ran AS r
LEFT JOIN (SELECT tenant_id, session_id, countIf(is_unread) AS unread_answers FROM answers GROUP BY tenant_id, session_id) AS u
    ON u.tenant_id = r.tenant_id AND u.session_id = r.session_id
WHERE (r.tenant_id, r.session_id, r.tool_call_id) NOT IN
    (SELECT tenant_id, session_id, arrayJoin(asked) FROM answers)
ORDER BY ran_at DESC, tool_call_id, run_id
LIMIT {limit:UInt64}

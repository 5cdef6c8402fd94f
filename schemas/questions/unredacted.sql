-- Events of which a part was withheld because it could not be judged, by whom and what: the newest first.
-- redactor_version = NULL: only what this version of the redactor did
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most
--
-- Nothing that could not be judged is stored: it reads [WITHHELD], and the sealed original is with the dead letters.
SELECT
    t.occurred_at AS occurred_at,
    t.tenant_id AS tenant_id,
    t.session_id AS session_id,
    toString(t.event_id) AS event_id,
    t.event_type AS event_type,
    t.component AS component,
    t.redaction_status AS redaction_status,
    arrayFilter(
        name -> name != '',
        [
            if(t.input = '[WITHHELD]', 'input', ''), if(t.output = '[WITHHELD]', 'output', ''),
            if(t.error_message = '[WITHHELD]', 'error_message', ''), if(t.params = '[WITHHELD]', 'params', ''),
            if(t.metadata = '[WITHHELD]', 'metadata', ''), if(has(t.tags, '[WITHHELD]'), 'tags', '')
        ]) AS withheld,
    t.policy_revision AS policy_revision,
    t.redactor_version AS redactor_version
FROM events AS t FINAL
PREWHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
    AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
    AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
    AND t.event_type != 'audit_read'
    AND t.event_id IN
    (
        SELECT t.event_id
        FROM events AS t
        WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
          AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
          AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
          AND t.redaction_status IN ('partial', 'withheld')
    )
WHERE t.redaction_status IN ('partial', 'withheld')
  AND ({redactor_version:Nullable(String)} IS NULL OR t.redactor_version = {redactor_version:Nullable(String)})
ORDER BY occurred_at DESC, event_id
LIMIT {limit:UInt64}

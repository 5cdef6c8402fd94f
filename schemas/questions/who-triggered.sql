-- Who triggered each request, what ran for it, and what came back: the newest first.
-- trigger_id = NULL: only what this schedule, job or event set off
-- principal = NULL: only what this principal did, or what was done on its behalf
-- session = NULL: only this session
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most
--
-- A row is a request (the run at the top of a tree), a model call, a tool or a retrieval. What went in is known when a run
-- starts, what came out when it ends; one without an outcome has not ended. The runs are chosen by narrow columns before any
-- content is read, and without FINAL: an event that is stored twice chooses the same run. All events of a run are of one
-- principal, which leads to them by the primary key. They are chosen once, as a value (found): the engine asks a WITH again wherever its name
-- stands.
WITH
    (
        SELECT groupArray((tenant_id, run_id, began, latest, principals))
        FROM
        (
            SELECT t.tenant_id AS tenant_id, t.run_id AS run_id, min(t.occurred_at) AS began, max(t.occurred_at) AS latest,
                groupUniqArray(t.principal_id) AS principals
            FROM events AS t
            WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
              AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
              AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
              AND ({trigger_id:Nullable(String)} IS NULL OR t.trigger_id = {trigger_id:Nullable(String)})
              AND ({principal:Nullable(String)} IS NULL OR t.principal_id IN
                  (
                      SELECT ifNull({principal:Nullable(String)}, '')
                      UNION ALL
                      SELECT DISTINCT t.principal_id
                      FROM events AS t
                      WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
                        AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
                        AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
                        AND t.on_behalf_of = {principal:Nullable(String)}
                  ))
              AND ({principal:Nullable(String)} IS NULL OR {principal:Nullable(String)} IN (t.principal_id, t.on_behalf_of))
              AND ({session:Nullable(String)} IS NULL OR t.session_id = {session:Nullable(String)})
              AND t.run_id IS NOT NULL
              AND (t.run_id = t.root_run_id OR match(t.event_type, '^(llm|tool|retriever)_'))
              AND t.event_type != 'audit_read'
            GROUP BY tenant_id, run_id
            ORDER BY began DESC, run_id
            LIMIT {limit:UInt64}
        )
    ) AS found,
    chosen AS
    (
        SELECT arrayJoin(found) AS one, one.1 AS tenant_id, one.2 AS run_id, one.3 AS began, one.4 AS latest, one.5 AS principals
    )
SELECT
    min(t.occurred_at) AS began,
    t.tenant_id AS tenant_id,
    argMin(t.session_id, t.seq) AS session_id,
    argMin(t.principal_id, t.seq) AS principal_id,
    argMin(t.on_behalf_of, t.seq) AS on_behalf_of,
    argMin(t.identity_assurance, t.seq) AS identity_assurance,
    argMin(t.trigger, t.seq) AS trigger,
    argMin(t.trigger_id, t.seq) AS trigger_id,
    argMin(splitByChar('_', t.event_type)[1], t.seq) AS kind,
    argMax(coalesce(t.tool_name, t.response_model, t.request_model, t.component), t.seq) AS name,
    argMax(t.input, t.seq) AS input,
    argMax(t.output, t.seq) AS output,
    argMax(t.outcome, t.seq) AS outcome,
    arraySort(groupUniqArrayArray(t.redaction_types)) AS redacted
FROM events AS t FINAL
PREWHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
    AND (t.tenant_id, t.run_id) IN (SELECT tenant_id, run_id FROM chosen)
    AND t.principal_id IN (SELECT arrayJoin(principals) FROM chosen)
    AND t.occurred_at BETWEEN (SELECT min(began) FROM chosen) AND (SELECT max(latest) FROM chosen)
    AND match(t.event_type, '^(chain|llm|tool|retriever)_')
GROUP BY t.tenant_id, t.run_id
ORDER BY began DESC, t.run_id

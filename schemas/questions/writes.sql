-- What tools wrote, deleted or sent out, and what a policy or an approver had said to it: the newest first.
-- environment = NULL: only in this deployment environment, such as production
-- effect = NULL: only write, delete or external; otherwise all three
-- tool = NULL: only this tool
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most
--
-- A tool says its effect, or a policy knows it; what has none is not here. A run is one row, each side effect below it another.
SELECT
    min(t.occurred_at) AS began,
    t.tenant_id AS tenant_id,
    any(t.environment) AS environment,
    any(t.session_id) AS session_id,
    argMin(t.principal_id, t.seq) AS principal_id,
    argMin(t.on_behalf_of, t.seq) AS on_behalf_of,
    if(t.event_type = 'side_effect', 'side_effect', 'tool') AS kind,
    any(coalesce(t.tool_name, t.component)) AS tool,
    any(t.tool_effect) AS effect,
    any(t.resource) AS resource,
    argMax(t.outcome, t.seq) AS outcome,
    argMax(t.input, t.seq) AS input,
    any(t.policy_id) AS policy_id,
    any(t.policy_version) AS policy_version,
    any(t.policy_rule) AS policy_rule,
    argMax(t.decision, t.seq) AS decision,
    any(t.approval_id) AS approval_id
FROM events AS t FINAL
PREWHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
    AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
    AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
    AND ({environment:Nullable(String)} IS NULL OR t.environment = {environment:Nullable(String)})
    AND ({effect:Nullable(String)} IS NULL OR t.tool_effect = {effect:Nullable(String)})
    AND ({tool:Nullable(String)} IS NULL OR t.tool_name = {tool:Nullable(String)})
    AND t.tool_effect IN ('write', 'delete', 'external')
    AND (startsWith(t.event_type, 'tool_') OR t.event_type = 'side_effect')
    AND t.event_type != 'tool_not_executed'
GROUP BY tenant_id, kind, if(t.event_type = 'side_effect' OR t.run_id IS NULL, t.event_id, assumeNotNull(t.run_id))
ORDER BY began DESC
LIMIT {limit:UInt64}

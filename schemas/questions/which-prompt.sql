-- Which prompt produced an output: the model calls behind it, with what went in, in order.
-- id: the provider's id of the answer, or the id of a tool call, a run or an event, or a subject token
-- tenant = NULL: only events of this tenant
-- limit = 1000: how many rows at most
--
-- The id of a model call gives that call; the id of anything else gives all model calls of the tree of runs that it is in.
WITH found AS
(
    SELECT DISTINCT t.tenant_id AS tenant_id, t.run_id AS run_id, t.root_run_id AS root_run_id,
        startsWith(t.event_type, 'llm_') AS is_call
    FROM events AS t FINAL
    PREWHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
        AND t.event_type != 'audit_read'
        AND t.event_id IN
        (
            SELECT t.event_id
            FROM events AS t
            WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
              AND (t.response_id = {id:String} OR t.tool_call_id = {id:String} OR has(t.subject_tokens, {id:String})
                  OR t.run_id = toUUIDOrNull({id:String}) OR t.event_id = toUUIDOrNull({id:String}))
        )
    WHERE t.response_id = {id:String} OR t.tool_call_id = {id:String} OR has(t.subject_tokens, {id:String})
        OR t.run_id = toUUIDOrNull({id:String}) OR t.event_id = toUUIDOrNull({id:String})
)
SELECT
    min(t.occurred_at) AS began,
    t.tenant_id AS tenant_id,
    argMin(t.session_id, t.seq) AS session_id,
    toString(t.run_id) AS run_id,
    toString(argMin(t.root_run_id, t.seq)) AS root_run_id,
    argMin(t.principal_id, t.seq) AS principal_id,
    argMax(t.prompt_name, t.seq) AS prompt_name,
    argMax(t.prompt_version, t.seq) AS prompt_version,
    argMax(t.provider, t.seq) AS provider,
    argMax(coalesce(t.response_model, t.request_model), t.seq) AS model,
    argMax(t.response_id, t.seq) AS response_id,
    argMax(t.params, t.seq) AS params,
    argMax(t.input, t.seq) AS input,
    argMax(t.output, t.seq) AS output,
    argMax(t.outcome, t.seq) AS outcome
FROM events AS t FINAL
PREWHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
    AND startsWith(t.event_type, 'llm_')
    AND ((t.tenant_id, t.run_id) IN (SELECT tenant_id, run_id FROM found WHERE is_call)
        OR (t.tenant_id, t.root_run_id) IN (SELECT tenant_id, root_run_id FROM found WHERE NOT is_call))
GROUP BY t.tenant_id, t.run_id
ORDER BY began, run_id
LIMIT {limit:UInt64}

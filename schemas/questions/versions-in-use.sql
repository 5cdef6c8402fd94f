-- Which versions of application, prompts, policies, models and libraries acted, from when to when.
-- app = NULL: only this application
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most

SELECT
    t.tenant_id AS tenant_id,
    t.app AS app,
    t.app_version AS app_version,
    t.environment AS environment,
    t.prompt_name AS prompt_name,
    t.prompt_version AS prompt_version,
    t.policy_id AS policy_id,
    t.policy_version AS policy_version,
    t.policy_revision AS redaction_policy,
    t.redactor_version AS redactor_version,
    arraySort(groupUniqArrayIf(assumeNotNull(coalesce(t.response_model, t.request_model)),
        coalesce(t.response_model, t.request_model) IS NOT NULL)) AS models,
    t.langchain_version AS langchain_version,
    t.langtrail_version AS langtrail_version,
    t.python_version AS python_version,
    count() AS events,
    min(t.occurred_at) AS first,
    max(t.occurred_at) AS last
FROM trail AS t
WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
  AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
  AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
  AND ({app:Nullable(String)} IS NULL OR t.app = {app:Nullable(String)})
  AND t.run_id IS NOT NULL
GROUP BY ALL
ORDER BY last DESC, tenant_id, app, prompt_name, prompt_version
LIMIT {limit:UInt64}

-- Events whose input, output and error together have all words of a text: the newest first.
-- asked by: langtrail search
-- text: the words, in any order and case
-- phrases = []: texts whose words have to follow one another
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 100: how many rows at most
--
-- Words are compared in Unicode's folded case (STRASSE finds straße). A word is a run of letters and digits; each Chinese or
-- Japanese character is a word of its own. Content is JSON: its escapes (a new line is \n) are no part of a word. What is one
-- word to whoever asks and several here (日本語, shop-42) is given as a phrase, too; `endoffield` keeps one from running on.
--
-- `searchable` is the very expression of the text index, which `langtrail text-index add` makes: with it the words are looked
-- up there, without it every text in reach is read. At most 64 words are looked up. With FINAL the engine would read the texts
-- all the same: so an event is found without it, in its newest revision alone, and once.
WITH
    text -> if(
        isValidASCII(text),
        lower(text),
        replaceRegexpAll(
            replaceRegexpAll(caseFoldUTF8(text), '[^\\pL\\pN\\pM]+', ' '),
            '([\\p{Han}\\p{Hiragana}\\p{Katakana}])', ' \\1 ')) AS folded,
    concat(ifNull(t.input, ''), ' endoffield ', ifNull(t.output, ''), ' endoffield ', ifNull(t.error_message, '')) AS content,
    folded(replaceRegexpAll(content, '\\\\(u[0-9a-fA-F]{4}|.)', ' ')) AS searchable,
    arraySlice(arrayDistinct(tokens(folded({text:String}), 'splitByNonAlpha')), 1, 64) AS words,
    revised AS
    (
        SELECT r.event_id AS event_id, r.event_hash AS event_hash, max(r.revision) AS newest
        FROM events AS r
        WHERE r.revision > 0
        GROUP BY r.event_id, r.event_hash
    ),
    found AS
    (
        SELECT t.tenant_id AS tenant_id, t.occurred_at AS occurred_at, t.principal_id AS principal_id, t.event_id AS event_id,
            t.event_hash AS event_hash
        FROM events AS t
        WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
          AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
          AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
          AND hasAllTokens(searchable, words, 'splitByNonAlpha')
          AND (empty({phrases:Array(String)})
              OR arrayAll(
                  phrase -> position(
                      concat(' ', arrayStringConcat(tokens(searchable, 'splitByNonAlpha'), ' '), ' '),
                      concat(' ', arrayStringConcat(tokens(folded(phrase), 'splitByNonAlpha'), ' '), ' ')) > 0,
                  {phrases:Array(String)}))
          AND ((t.event_id, t.event_hash) NOT IN (SELECT event_id, event_hash FROM revised)
              OR (t.event_id, t.event_hash, t.revision) IN (SELECT event_id, event_hash, newest FROM revised))
          AND t.event_type != 'audit_read'
          AND NOT (t.app = 'langtrail-read' AND t.event_type IN ('stream_open', 'heartbeat', 'stream_close'))
        ORDER BY t.occurred_at DESC, t.event_id
        LIMIT 1 BY t.event_id, t.event_hash
        LIMIT {limit:UInt64}
    )
SELECT
    t.occurred_at AS occurred_at,
    t.tenant_id AS tenant_id,
    t.session_id AS session_id,
    t.event_type AS event_type,
    coalesce(t.tool_name, t.response_model, t.request_model, t.component) AS name,
    t.principal_id AS principal_id,
    t.input AS input,
    t.output AS output,
    t.error_message AS error_message,
    t.redaction_types AS redacted,
    toString(t.run_id) AS run_id,
    toString(t.event_id) AS event_id
FROM events AS t FINAL
PREWHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
    AND (t.tenant_id, t.occurred_at, t.principal_id, t.event_id, t.event_hash) IN
        (SELECT tenant_id, occurred_at, principal_id, event_id, event_hash FROM found)
ORDER BY occurred_at DESC, event_id
LIMIT {limit:UInt64}

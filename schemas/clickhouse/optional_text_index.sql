-- The text index of langtrail search. It is no migration of its own accord: `langtrail text-index add` applies it.
--
-- Why it is optional: it takes a quarter to a third of the space of the events, and work on every merge. Measured on events of
-- 740 bytes of content and made-up words: a row took 11 µs to insert and 14 µs to merge without it, 17 and 21 µs with it. A
-- search for a rare word in 300,000 of them takes 10 ms with it, and half a second without.
-- An insert need not pay: exclude_materialize_skip_indexes_on_insert = 'by_text' leaves the work to merges, and parts that have
-- no index yet are searched by reading them.
--
-- The expression is `searchable` of questions/search.sql, function by function: that is how the engine knows that it may use
-- the index. Needs ClickHouse 26.2 or newer.

ALTER TABLE events ADD INDEX IF NOT EXISTS by_text
    if(
        isValidASCII(replaceRegexpAll(
            concat(ifNull(input, ''), ' endoffield ', ifNull(output, ''), ' endoffield ', ifNull(error_message, '')),
            '\\\\(u[0-9a-fA-F]{4}|.)', ' ')),
        lower(replaceRegexpAll(
            concat(ifNull(input, ''), ' endoffield ', ifNull(output, ''), ' endoffield ', ifNull(error_message, '')),
            '\\\\(u[0-9a-fA-F]{4}|.)', ' ')),
        replaceRegexpAll(
            replaceRegexpAll(
                caseFoldUTF8(replaceRegexpAll(
                    concat(ifNull(input, ''), ' endoffield ', ifNull(output, ''), ' endoffield ', ifNull(error_message, '')),
                    '\\\\(u[0-9a-fA-F]{4}|.)', ' ')),
                '[^\\pL\\pN\\pM]+', ' '),
            '([\\p{Han}\\p{Hiragana}\\p{Katakana}])', ' \\1 '))
    TYPE text(tokenizer = 'splitByNonAlpha', posting_list_codec = 'bitpacking');

ALTER TABLE events MATERIALIZE INDEX IF EXISTS by_text;

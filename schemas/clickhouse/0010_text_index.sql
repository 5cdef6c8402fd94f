-- The text index of langtrail search: it looks words up where it would have to read every text.
--
-- What it costs, measured on ten million made-up events of 730 bytes of text each: 100 bytes for an event, beside 270 for all else;
-- and work on inserts and merges. What it gives: a search over all of them takes less than half a second, where reading them
-- takes a minute. Who would rather have the space says `langtrail text-index drop`, once; nothing brings it back but
-- `langtrail text-index add`, and the same is found without it.
--
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

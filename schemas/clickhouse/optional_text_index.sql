-- The text index of langtrail search. It is no migration of its own accord: `langtrail text-index add` applies it.
--
-- Why it is optional: measured with content of 2.4 kB a row, made-up words of a vocabulary of 60,000, it takes a fifth of the
-- disk beside the events, and two to four times as long to insert or to merge a row; a search becomes a hundred times
-- faster. An insert need not pay: exclude_materialize_skip_indexes_on_insert = 'by_text' leaves the work to merges, and parts
-- that have no index yet are searched by reading them.
--
-- The expression is `searchable` of questions/search.sql, letter for letter: that is how the engine knows that it may use the
-- index. Needs ClickHouse 26.2 or newer.

ALTER TABLE events ADD INDEX IF NOT EXISTS by_text
    if(
        isValidASCII(replaceRegexpAll(
            concat(ifNull(input, ''), ' § ', ifNull(output, ''), ' § ', ifNull(error_message, '')), '\\\\(u[0-9a-fA-F]{4}|.)', ' ')),
        lower(replaceRegexpAll(
            concat(ifNull(input, ''), ' § ', ifNull(output, ''), ' § ', ifNull(error_message, '')), '\\\\(u[0-9a-fA-F]{4}|.)', ' ')),
        caseFoldUTF8(replaceRegexpAll(
            concat(ifNull(input, ''), ' § ', ifNull(output, ''), ' § ', ifNull(error_message, '')), '\\\\(u[0-9a-fA-F]{4}|.)', ' ')))
    TYPE text(tokenizer = 'asciiCJK', posting_list_codec = 'bitpacking');

ALTER TABLE events MATERIALIZE INDEX IF EXISTS by_text;

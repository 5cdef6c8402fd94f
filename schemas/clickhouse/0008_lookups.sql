-- Which events have a later revision is asked by every search: by_revision finds the few parts that hold any.
--
-- Search reads `events` without FINAL, which would read the texts of all rows that share a granule with a hit: it finds an event
-- by its words and then needs to know that no later revision replaced it. Nearly all revisions are 0, so the smallest and the
-- largest of a granule tell enough, and cost nothing to keep.
--
-- Other questions that read `events` themselves say in their comments why they may: the copies of an event agree on all of its
-- core, so conditions on the core can be tested before FINAL (PREWHERE), and what counts distinct values needs no FINAL at all.
-- What 0007 says of the view trail holds for conditions on the sorting key alone; how much it saves depends on the question.

ALTER TABLE events ADD INDEX IF NOT EXISTS by_revision revision TYPE minmax GRANULARITY 1;

ALTER TABLE events MATERIALIZE INDEX IF EXISTS by_revision;

-- usage is kept in one part for each month, but for the last minutes.
--
-- FINAL has nothing to do where there is one part: it is read as it is. The rows are so narrow (55 bytes) that a month of seven
-- million events is 100 MB, and writing it anew every few minutes costs less than merging it in every question.

ALTER TABLE usage MODIFY SETTING min_age_to_force_merge_seconds = 300;

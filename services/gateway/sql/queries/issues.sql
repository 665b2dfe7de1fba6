-- name: put_series!
-- Set up a series, or change it.
INSERT INTO series (hub, series, name, organ, up, down, across, first_number, first_total)
VALUES (:hub, :series, :name, :organ, :up::text[], :down::text[], :across::text[], :first_number, :first_total)
ON CONFLICT (hub, series) DO UPDATE SET name = excluded.name, organ = excluded.organ, up = excluded.up,
    down = excluded.down, across = excluded.across, first_number = excluded.first_number, first_total = excluded.first_total;

-- name: series
-- A hub's series.
SELECT series, name, organ, up, down, across, first_number, first_total FROM series WHERE hub = :hub ORDER BY series;

-- name: one_series^
-- One series.
SELECT series, name, organ, up, down, across, first_number, first_total FROM series WHERE hub = :hub AND series = :series;

-- name: drop_series$
-- Remove a series that has no issue.
DELETE FROM series s WHERE hub = :hub AND series = :series
    AND NOT EXISTS (SELECT FROM issue i WHERE i.hub = s.hub AND i.series = s.series)
RETURNING series;

-- name: last_numbers^
-- The last number of a series in a year, its last total number, and whether it has an issue at all; null where there is none.
SELECT max(number) FILTER (WHERE year = :year) AS number, max(total) AS total, count(*) AS issues
FROM issue WHERE hub = :hub AND series = :series;

-- name: numbered
-- Issues that have one of these numbers already.
SELECT id FROM issue WHERE hub = :hub AND series = :series AND ((year = :year AND number = :number) OR total = :total);

-- name: add_issue!
-- Open a draft.
INSERT INTO issue (id, hub, series, year, number, total, day, opened_by, opened_at)
VALUES (:id, :hub, :series, :year, :number, :total, :day, :person, :at);

-- name: drop_issue!
-- Drop an empty draft; its number is free again.
DELETE FROM issue WHERE id = :id AND final_at IS NULL;

-- name: issues
-- A hub's issues, the last opened first, from before one of them. A draft has the name and readers of its series.
SELECT i.id, i.hub, i.series, i.year, i.number, i.total, i.day, i.opened_by, i.opened_at, i.final_by, i.final_at,
    i.publication, (SELECT count(*) FROM issue_item t WHERE t.issue = i.id) AS items,
    CASE WHEN i.final_at IS NULL THEN s.name ELSE i.name END AS name,
    CASE WHEN i.final_at IS NULL THEN s.organ ELSE i.organ END AS organ,
    CASE WHEN i.final_at IS NULL THEN s.up ELSE i.up END AS up,
    CASE WHEN i.final_at IS NULL THEN s.down ELSE i.down END AS down,
    CASE WHEN i.final_at IS NULL THEN s.across ELSE i.across END AS across
FROM issue i JOIN series s ON s.hub = i.hub AND s.series = i.series
WHERE i.hub = :hub AND (:series::text IS NULL OR i.series = :series::text)
    AND (:final::boolean IS NULL OR (i.final_at IS NOT NULL) = :final::boolean)
    AND (:before::uuid IS NULL OR (i.opened_at, i.id) < (SELECT b.opened_at, b.id FROM issue b WHERE b.id = :before::uuid))
ORDER BY i.opened_at DESC, i.id DESC LIMIT :count;

-- name: issue^
-- One issue of a hub.
SELECT i.id, i.hub, i.series, i.year, i.number, i.total, i.day, i.opened_by, i.opened_at, i.final_by, i.final_at,
    i.publication,
    CASE WHEN i.final_at IS NULL THEN s.name ELSE i.name END AS name,
    CASE WHEN i.final_at IS NULL THEN s.organ ELSE i.organ END AS organ,
    CASE WHEN i.final_at IS NULL THEN s.up ELSE i.up END AS up,
    CASE WHEN i.final_at IS NULL THEN s.down ELSE i.down END AS down,
    CASE WHEN i.final_at IS NULL THEN s.across ELSE i.across END AS across
FROM issue i JOIN series s ON s.hub = i.hub AND s.series = i.series
WHERE i.id = :id AND i.hub = :hub;

-- name: issue_owner$
-- Whose issue this is.
SELECT hub FROM issue WHERE id = :id;

-- name: lock_issue$
-- Hold an issue until the transaction ends.
SELECT id FROM issue WHERE id = :id AND hub = :hub FOR UPDATE;

-- name: issue_items
-- The items of some issues in order.
SELECT issue, n, id, verdict, title, body, editor, decision FROM issue_item
WHERE issue = ANY(:issues::uuid[]) ORDER BY issue, place;

-- name: issue_reports
-- The reports under the items of some issues, in order.
SELECT r.issue, r.n, r.report, k.origin, r.share FROM issue_report r JOIN intake k ON k.hub = r.hub AND k.report = r.report
WHERE r.issue = ANY(:issues::uuid[]) ORDER BY r.issue, r.n, r.place;

-- name: issue_item_by_id^
-- Where an item stands that has this id.
SELECT issue, n FROM issue_item WHERE id = :id;

-- name: add_issue_item$
-- Put an item last; return its number.
WITH numbered AS (
    UPDATE issue SET next_item = next_item + 1 WHERE id = :issue RETURNING next_item - 1 AS n
), added AS (
    INSERT INTO issue_item (issue, n, id, place, verdict, title, body, editor)
    SELECT :issue, n, :id, n, :verdict, :title, :body, :editor FROM numbered
)
SELECT n FROM numbered;

-- name: add_issue_reports!
-- The reports under an item, with their shares.
INSERT INTO issue_report (issue, n, place, hub, report, share)
SELECT :issue, :n, g.place, :hub, g.report, g.share
FROM unnest(:reports::uuid[], :shares::numeric[]) WITH ORDINALITY AS g (report, share, place);

-- name: drop_issue_item
-- Take an item out of a draft; return its reports.
WITH freed AS (DELETE FROM issue_report WHERE issue = :issue AND n = :n RETURNING report),
    dropped AS (DELETE FROM issue_item WHERE issue = :issue AND n = :n)
SELECT report FROM freed;

-- name: place_issue_items!
-- Put the items of a draft into this order.
UPDATE issue_item i SET place = g.place
FROM unnest(:ns::int[]) WITH ORDINALITY AS g (n, place) WHERE i.issue = :issue AND i.n = g.n;

-- name: finish_issue_items!
-- An issue's items as they stand in the final issue.
UPDATE issue_item i SET title = g.title, body = g.body, decision = g.decision
FROM unnest(:ns::int[], :titles::text[], :bodies::text[], :decisions::uuid[]) AS g (n, title, body, decision)
WHERE i.issue = :issue AND i.n = g.n;

-- name: finish_issue!
-- An issue is final: it keeps the name and readers with which it was sent, and its reports are drafts no more.
WITH told AS (UPDATE issue_report SET draft = false WHERE issue = :issue)
UPDATE issue SET final_by = :person, final_at = :at, publication = :publication, name = :name, organ = :organ, up = :up,
    down = :down, across = :across
WHERE id = :issue;

-- name: refused_among
-- Which of these messages the network refused.
SELECT message FROM fate WHERE message = ANY(:ids::uuid[]) AND giver = :router AND outcome = 'refused';

-- name: tell_issue_anew!
-- What was refused of a final issue is told under other ids.
WITH items AS (
    UPDATE issue_item i SET decision = g.decision FROM unnest(:ns::int[], :decisions::uuid[]) AS g (n, decision)
    WHERE i.issue = :issue AND i.n = g.n
)
UPDATE issue SET publication = :publication WHERE id = :issue;

-- name: reports_received
-- These reports as they lie in a hub's inbox.
SELECT id, origin, body FROM inbox WHERE node = :hub AND kind = 'report' AND id = ANY(:reports::uuid[]);

-- name: add_forwards!
-- Note what an item sends on.
INSERT INTO item_forward (item, position, report, share)
SELECT :item, n, report, share FROM unnest(:reports::uuid[], :shares::numeric[]) WITH ORDINALITY AS g (report, share, n);

-- name: forwards
-- What an item sends on, in its order.
SELECT f.report, i.origin, i.title, f.share
FROM item_forward f JOIN item t ON t.id = f.item JOIN inbox i ON i.node = t.node AND i.id = f.report
WHERE f.item = :item ORDER BY f.position;

-- name: selected
-- Which of these reports a hub has selected for a level.
SELECT report, decision, forwarded_as FROM selection
WHERE hub = :hub AND level = :level AND report = ANY(:reports::uuid[]);

-- name: add_selection!
-- Note that a hub selected these reports; a second selection for the level breaks the primary key.
INSERT INTO selection (hub, report, level, decision, forwarded_as)
SELECT :hub, report, :level, :decision, :forwarded_as FROM unnest(:reports::uuid[]) AS r (report);

-- name: selection^
-- One selection in force, with its outcome where it has one.
SELECT level, forwarded_as, outcome FROM selection WHERE hub = :hub AND decision = :decision LIMIT 1;

-- name: set_outcome!
-- Note the outcome of a selection.
UPDATE selection SET outcome = :outcome WHERE hub = :hub AND decision = :decision;

-- name: drop_selection
-- Take back a selection that has no outcome, or the outcome of one.
WITH dropped AS (
    DELETE FROM selection WHERE hub = :hub AND decision = :decision AND outcome IS NULL RETURNING report
), cleared AS (
    UPDATE selection SET outcome = NULL WHERE hub = :hub AND outcome = :decision RETURNING report
)
SELECT report, true AS dropped FROM dropped UNION ALL SELECT report, false FROM cleared;

-- name: drop_refused_selections
-- A selection, or an outcome, that the network refused does not stand; return what is not selected any more.
WITH refused AS (
    SELECT g.decision FROM unnest(:decisions::uuid[], :digests::text[]) AS g (decision, digest)
    JOIN sent s ON s.id = g.decision AND s.digest = g.digest
), cleared AS (
    UPDATE selection SET outcome = NULL FROM refused r WHERE selection.outcome = r.decision
)
DELETE FROM selection USING refused r WHERE selection.decision = r.decision RETURNING hub, report;

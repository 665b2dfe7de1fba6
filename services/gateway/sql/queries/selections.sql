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
WHERE hub = :hub AND level = :level AND report = ANY(:reports::uuid[]) AND reversed_by IS NULL;

-- name: add_selection!
-- Note that a hub selected these reports; a second selection in force for the level breaks the index.
INSERT INTO selection (hub, report, level, decision, forwarded_as)
SELECT :hub, report, :level, :decision, :forwarded_as FROM unnest(:reports::uuid[]) AS r (report);

-- name: selection^
-- One selection in force, with its outcome where it has one.
SELECT level, forwarded_as, CASE WHEN outcome_reversed_by IS NULL THEN outcome END AS outcome
FROM selection WHERE hub = :hub AND decision = :decision AND reversed_by IS NULL LIMIT 1;

-- name: selected_as$
-- The decision in force by which a hub selected what it sent on as a report of its own.
SELECT decision FROM selection WHERE hub = :hub AND forwarded_as = :forwarded_as AND reversed_by IS NULL LIMIT 1;

-- name: set_outcome!
-- Note the outcome of a selection.
UPDATE selection SET outcome = :outcome, outcome_reversed_by = NULL
WHERE hub = :hub AND decision = :decision AND reversed_by IS NULL;

-- name: reverse_selection
-- Take back a selection that has no outcome, or the outcome of one.
WITH dropped AS (
    UPDATE selection SET reversed_by = :reversal
    WHERE hub = :hub AND decision = :decision AND reversed_by IS NULL
        AND (outcome IS NULL OR outcome_reversed_by IS NOT NULL)
    RETURNING report
), cleared AS (
    UPDATE selection SET outcome_reversed_by = :reversal
    WHERE hub = :hub AND outcome = :decision AND outcome_reversed_by IS NULL
    RETURNING report
)
SELECT report, true AS dropped FROM dropped UNION ALL SELECT report, false FROM cleared;

-- name: drop_refused_selections
-- A selection that the network refused does not stand; return its reports, and whether it stood until now.
DELETE FROM selection WHERE decision = ANY(:refused::uuid[]) RETURNING hub, report, reversed_by IS NULL AS stood;

-- name: restore_selections
-- What a refused reversal took back stands again, unless it was selected anew; the same where that is refused in its turn.
WITH standing AS (
    SELECT DISTINCT ON (x.hub, x.report, x.level) x.hub, x.report, x.level, x.decision
    FROM selection x JOIN fate f ON f.message = x.reversed_by AND f.giver = :router AND f.outcome = 'refused'
    WHERE (x.reversed_by = ANY(:refused::uuid[])
            OR (x.hub, x.report) IN (SELECT * FROM unnest(:hubs::text[], :reports::uuid[])))
        AND NOT EXISTS (
            SELECT FROM selection n
            WHERE n.hub = x.hub AND n.report = x.report AND n.level = x.level AND n.reversed_by IS NULL)
    ORDER BY x.hub, x.report, x.level, x.decision DESC
)
UPDATE selection x SET reversed_by = NULL FROM standing s
WHERE x.hub = s.hub AND x.report = s.report AND x.level = s.level AND x.decision = s.decision
RETURNING x.hub, x.report;

-- name: settle_refused_outcomes!
-- An outcome that the network refused does not stand; one whose reversal it refused does, unless another was told.
UPDATE selection SET outcome = CASE WHEN outcome = ANY(:refused::uuid[]) THEN NULL ELSE outcome END, outcome_reversed_by = NULL
WHERE outcome = ANY(:refused::uuid[]) OR outcome_reversed_by = ANY(:refused::uuid[]);

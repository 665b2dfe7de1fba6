-- name: add_intake!
-- Take reports in once, each standing where an earlier decision left it.
INSERT INTO intake
    (hub, report, origin, about, stage, category, urgency, importance, research, answers, received_at, sketch, state)
SELECT g.hub, g.report, g.origin, g.about, g.stage, g.category, g.urgency, g.importance, g.research, g.answers,
    g.received_at, string_to_array(g.sketch, ',')::int[], coalesce(d.verdict, 'pending')
FROM unnest(:hubs::text[], :reports::uuid[], :origins::text[], :abouts::uuid[], :stages::text[], :categories::text[],
    :urgencies::text[], :importances::text[], :researches::boolean[], :answers::text[], :received_ats::timestamptz[],
    :sketches::text[])
    AS g (hub, report, origin, about, stage, category, urgency, importance, research, answers, received_at, sketch)
LEFT JOIN decided d ON d.hub = g.hub AND d.report = g.report AND d.reversed_by IS NULL
ON CONFLICT DO NOTHING;

-- name: not_taken_in
-- Reports in these inboxes that have no intake row, after one of them, in order.
SELECT i.node, i.id, i.received_at, i.body
FROM inbox i LEFT JOIN intake k ON k.hub = i.node AND k.report = i.id
WHERE i.node = ANY(:nodes::text[]) AND i.kind = 'report' AND k.report IS NULL
    AND (:node::text IS NULL OR (i.node, i.id) > (:node::text, :id::uuid))
ORDER BY i.node, i.id LIMIT :count;

-- name: intake
-- A hub's reports, newest first, from before an id.
SELECT k.report, k.origin, i.title, k.about, k.stage, k.category, k.urgency, k.importance, k.research, i.sent_at,
    k.received_at, k.state, k.selected, k.assigned
FROM intake k JOIN inbox i ON i.node = k.hub AND i.id = k.report
WHERE k.hub = :hub AND (:before::uuid IS NULL OR k.report < :before::uuid)
    AND (:origin::text IS NULL OR k.origin LIKE :origin::text)
    AND (:category::text IS NULL OR k.category = :category::text)
    AND (:urgency::text IS NULL OR k.urgency = :urgency::text)
    AND (:research::boolean IS NULL OR k.research = :research::boolean)
    AND (:direct::boolean IS NULL OR (k.origin = ANY(:points::text[])) = :direct::boolean)
    AND (:assigned::text IS NULL OR k.assigned = :assigned::text) AND (NOT :unassigned::boolean OR k.assigned IS NULL)
ORDER BY k.report DESC LIMIT :count;

-- name: intake_in_state
-- The same of those in one state, by its index.
SELECT k.report, k.origin, i.title, k.about, k.stage, k.category, k.urgency, k.importance, k.research, i.sent_at,
    k.received_at, k.state, k.selected, k.assigned
FROM intake k JOIN inbox i ON i.node = k.hub AND i.id = k.report
WHERE k.hub = :hub AND k.state = :state AND (:before::uuid IS NULL OR k.report < :before::uuid)
    AND (:origin::text IS NULL OR k.origin LIKE :origin::text)
    AND (:category::text IS NULL OR k.category = :category::text)
    AND (:urgency::text IS NULL OR k.urgency = :urgency::text)
    AND (:research::boolean IS NULL OR k.research = :research::boolean)
    AND (:direct::boolean IS NULL OR (k.origin = ANY(:points::text[])) = :direct::boolean)
    AND (:assigned::text IS NULL OR k.assigned = :assigned::text) AND (NOT :unassigned::boolean OR k.assigned IS NULL)
ORDER BY k.report DESC LIMIT :count;

-- name: intake_like
-- Those of the last days whose sketch has most in common with a given one, with the bytes to compare.
SELECT k.report, k.origin, i.title, k.about, k.stage, k.category, k.urgency, k.importance, k.research, i.sent_at,
    k.received_at, k.state, k.selected, k.assigned, i.body
FROM (
    SELECT *, cardinality(ARRAY(SELECT unnest(sketch) INTERSECT SELECT unnest(:sketch::int[]))) AS common FROM intake
    WHERE hub = :hub AND sketch && :sketch::int[] AND received_at >= :since AND report <> :report
) k JOIN inbox i ON i.node = k.hub AND i.id = k.report
WHERE (:state::text IS NULL OR k.state = :state::text) AND (:origin::text IS NULL OR k.origin LIKE :origin::text)
    AND (:category::text IS NULL OR k.category = :category::text)
    AND (:urgency::text IS NULL OR k.urgency = :urgency::text)
    AND (:research::boolean IS NULL OR k.research = :research::boolean)
    AND (:direct::boolean IS NULL OR (k.origin = ANY(:points::text[])) = :direct::boolean)
    AND (:assigned::text IS NULL OR k.assigned = :assigned::text) AND (NOT :unassigned::boolean OR k.assigned IS NULL)
ORDER BY k.common DESC, k.report DESC LIMIT :count;

-- name: intake_one^
-- One report at a hub.
SELECT k.report, k.origin, i.title, k.about, k.stage, k.category, k.urgency, k.importance, k.research, i.sent_at,
    k.received_at, k.state, k.selected, k.assigned, i.body
FROM intake k JOIN inbox i ON i.node = k.hub AND i.id = k.report
WHERE k.hub = :hub AND k.report = :report;

-- name: chains
-- What continues or corrects these reports at a hub, directly.
SELECT k.report, k.about, k.stage FROM intake k
WHERE k.hub = :hub AND k.about = ANY(:reports::uuid[]) ORDER BY k.report;

-- name: chain
-- The whole chain in which a report stands at a hub: what it continues, and what continues that.
WITH RECURSIVE linked (report, about) AS (
    SELECT report, about FROM intake WHERE hub = :hub AND report = :report
    UNION
    SELECT k.report, k.about FROM linked l JOIN intake k ON k.hub = :hub AND (k.report = l.about OR k.about = l.report)
)
SELECT k.report, k.origin, k.about, k.stage, i.title, k.received_at, k.state
FROM linked l JOIN intake k ON k.hub = :hub AND k.report = l.report JOIN inbox i ON i.node = k.hub AND i.id = k.report
ORDER BY k.report LIMIT 200;

-- name: assign$
-- Put an editor in charge of a report, or nobody.
UPDATE intake SET assigned = :person WHERE hub = :hub AND report = :report RETURNING report;

-- name: add_opinion!
-- Keep an opinion; another under the same id changes nothing.
INSERT INTO opinion (hub, report, id, person, at, text) VALUES (:hub, :report, :id, :person, :at, :text)
ON CONFLICT DO NOTHING;

-- name: opinions
-- What was said about a report, oldest first.
SELECT id, person, at, text FROM opinion WHERE hub = :hub AND report = :report ORDER BY at, id;

-- name: lock_intake$
-- One report at a hub, locked.
SELECT report FROM intake WHERE hub = :hub AND report = :report FOR UPDATE;

-- name: add_text$
-- Keep the version of a report's text that follows another, or find the same kept; nothing where another one follows.
WITH added AS (
    INSERT INTO edited_text (hub, report, version, person, at, title, body)
    SELECT :hub, :report, :after::int + 1, :person, :at::timestamptz, :title, :body
    FROM edited_text WHERE hub = :hub AND report = :report
    HAVING coalesce(max(version), 0) = :after::int
    RETURNING version
)
SELECT version FROM added
UNION ALL
SELECT version FROM edited_text
WHERE hub = :hub AND report = :report AND version = :after::int + 1 AND person = :person AND title = :title AND body = :body;

-- name: text_versions
-- The versions of a report's text, oldest first.
SELECT version, person, at, title, body FROM edited_text WHERE hub = :hub AND report = :report ORDER BY version;

-- name: newest_texts
-- The newest version of some reports' texts, where they were edited; else the bytes that came.
SELECT i.id AS report, t.title, t.body, CASE WHEN t.title IS NULL THEN i.body END AS envelope
FROM inbox i LEFT JOIN LATERAL (
    SELECT title, body FROM edited_text e WHERE e.hub = i.node AND e.report = i.id ORDER BY version DESC LIMIT 1
) t ON true
WHERE i.node = :hub AND i.id = ANY(:reports::uuid[]);

-- name: standing^
-- What a hub decided about a report, and the draft issue that holds it.
SELECT d.decision, d.verdict, r.issue, r.n
FROM intake k
LEFT JOIN decided d ON d.hub = k.hub AND d.report = k.report AND d.reversed_by IS NULL
LEFT JOIN issue_report r ON r.hub = k.hub AND r.report = k.report AND r.draft
WHERE k.hub = :hub AND k.report = :report;

-- name: held
-- Which of these reports a draft issue of the hub holds, and where.
SELECT r.report, i.series, i.year, i.number, i.id, r.n FROM issue_report r JOIN issue i ON i.id = r.issue
WHERE r.hub = :hub AND r.report = ANY(:reports::uuid[]) AND r.draft;

-- name: note_held!
-- These reports are in a draft issue now.
UPDATE intake SET state = 'in_issue' WHERE hub = :hub AND report = ANY(:reports::uuid[]);

-- name: note_free!
-- These reports are in no draft issue any more.
UPDATE intake k SET state = coalesce(
    (SELECT verdict FROM decided d WHERE d.hub = k.hub AND d.report = k.report AND d.reversed_by IS NULL),
    CASE WHEN k.selected THEN 'selected' ELSE 'pending' END)
WHERE k.hub = :hub AND k.report = ANY(:reports::uuid[]);

-- name: note_selected!
-- The hub sends these reports on to a higher level (选送).
UPDATE intake SET selected = true, state = CASE WHEN state = 'pending' THEN 'selected' ELSE state END
WHERE hub = :hub AND report = ANY(:reports::uuid[]);

-- name: note_unselected!
-- The hub takes that back.
UPDATE intake SET selected = false, state = CASE WHEN state = 'selected' THEN 'pending' ELSE state END
WHERE hub = :hub AND report = ANY(:reports::uuid[]);

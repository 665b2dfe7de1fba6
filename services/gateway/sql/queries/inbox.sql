-- name: add_arrivals!
-- Store arrivals once, and note the receipts that the new ones call for.
WITH given AS (
    SELECT * FROM unnest(:nodes::text[], :ids::uuid[], :kinds::text[], :origins::text[], :abouts::uuid[], :titles::text[],
        :sent_ats::timestamptz[], :digests::text[], :bodies::bytea[], :owed::boolean[])
        AS g (node, id, kind, origin, about, title, sent_at, digest, body, owed)
), stored AS (
    INSERT INTO inbox (node, id, kind, origin, about, title, sent_at, received_at, digest, body)
    SELECT node, id, kind, origin, about, title, sent_at, :at::timestamptz, digest, body FROM given
    ON CONFLICT (node, id) DO NOTHING
    RETURNING node, id
)
INSERT INTO receipt_due (node, recipient, message, digest, outcome, at)
SELECT g.node, g.origin, g.id, g.digest, 'delivered', :at::timestamptz
FROM given g JOIN stored s ON s.node = g.node AND s.id = g.id WHERE g.owed
ON CONFLICT DO NOTHING;

-- name: add_fates!
-- Apply receipts to the messages that they answer: the router's verdict, and a recipient's word on what it received.
INSERT INTO fate (message, giver, outcome, node, at, reason, detail)
SELECT g.message, g.giver, g.outcome, s.node, g.at, g.reason, g.detail
FROM unnest(:messages::uuid[], :givers::text[], :outcomes::text[], :ats::timestamptz[], :reasons::text[],
    :details::text[]) AS g (message, giver, outcome, at, reason, detail)
JOIN sent s ON s.id = g.message
WHERE CASE WHEN g.outcome IN ('accepted', 'refused') THEN g.giver = :router ELSE g.giver = ANY(s.recipients) END
ON CONFLICT DO NOTHING;

-- name: drop_refused_decisions!
-- A decision that the network refused decides nothing: its reports may be decided anew.
DELETE FROM decided WHERE decision = ANY(:decisions::uuid[]);

-- name: add_verdicts!
-- Apply decisions to the reports that they decide.
INSERT INTO verdict (decision, report, node, hub, verdict, series, issue, reason, at)
SELECT * FROM unnest(:decisions::uuid[], :reports::uuid[], :nodes::text[], :hubs::text[], :verdicts::text[],
    :series::text[], :issues::text[], :reasons::text[], :ats::timestamptz[])
ON CONFLICT DO NOTHING;

-- name: take_receipts_due
-- Take what these nodes owe, at most so much at a time.
DELETE FROM receipt_due
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM receipt_due WHERE node = ANY(:nodes::text[]) LIMIT :count FOR UPDATE SKIP LOCKED))
RETURNING node, recipient, message, digest, outcome, at;

-- name: inbox
-- What lies in a node's inbox, newest first, from before an id.
SELECT node, id, kind, origin, about, title, sent_at, received_at, opened_at, opened_by, digest, ''::bytea AS body
FROM inbox
WHERE node = :node AND kind = ANY(:kinds::text[]) AND (:before::uuid IS NULL OR id < :before::uuid)
ORDER BY id DESC LIMIT :count;

-- name: inbox_message^
-- One message in a node's inbox.
SELECT node, id, kind, origin, about, title, sent_at, received_at, opened_at, opened_by, digest, body
FROM inbox WHERE node = :node AND id = :id;

-- name: open_message^
-- Note the first opening and owe the receipt for it.
WITH opened AS (
    UPDATE inbox SET opened_at = :at, opened_by = :person WHERE node = :node AND id = :id AND opened_at IS NULL
    RETURNING node, origin, id, digest
)
INSERT INTO receipt_due (node, recipient, message, digest, outcome, at)
SELECT node, origin, id, digest, 'opened', :at::timestamptz FROM opened ON CONFLICT DO NOTHING RETURNING message;

-- name: report_origins
-- Which of these reports lie in a hub's inbox, and from whom.
SELECT id, origin FROM inbox WHERE node = :hub AND kind = 'report' AND id = ANY(:reports::uuid[]);

-- name: decided
-- Which of these reports the hub has decided.
SELECT report FROM decided WHERE hub = :hub AND report = ANY(:reports::uuid[]);

-- name: add_decided!
-- Note that a hub decided these reports; a second decision breaks the primary key.
INSERT INTO decided (hub, report, decision, verdict)
SELECT :hub, report, :decision, :verdict FROM unnest(:reports::uuid[]) AS r (report);

-- name: drop_decided
-- Take back a decision.
DELETE FROM decided WHERE hub = :hub AND decision = :decision RETURNING report;

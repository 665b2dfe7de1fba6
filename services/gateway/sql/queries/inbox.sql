-- name: add_arrivals
-- Store arrivals once, and note the receipts that the new ones call for; return what is new.
WITH given AS (
    SELECT * FROM unnest(:nodes::text[], :ids::uuid[], :kinds::text[], :origins::text[], :abouts::uuid[], :titles::text[],
        :sent_ats::timestamptz[], :digests::text[], :bodies::bytea[], :owed::boolean[])
        AS g (node, id, kind, origin, about, title, sent_at, digest, body, owed)
), stored AS (
    INSERT INTO inbox (node, id, kind, origin, about, title, sent_at, received_at, digest, body)
    SELECT node, id, kind, origin, about, title, sent_at, :at::timestamptz, digest, body FROM given
    ON CONFLICT (node, id) DO NOTHING
    RETURNING node, id, digest
), owing AS (
    INSERT INTO receipt_due (node, recipient, message, digest, outcome, at)
    SELECT g.node, g.origin, g.id, g.digest, 'delivered', :at::timestamptz
    FROM given g JOIN stored USING (node, id, digest) WHERE g.owed
    ON CONFLICT DO NOTHING
)
SELECT node, id, digest FROM stored;

-- name: inbox_digests
-- Under which digests these ids lie in these inboxes.
SELECT i.node, i.id, i.digest
FROM unnest(:nodes::text[], :ids::uuid[]) AS g (node, id) JOIN inbox i ON i.node = g.node AND i.id = g.id;

-- name: add_conflicts
-- Keep other bytes under known ids as evidence, and owe their senders the refusal; return what is new.
WITH given AS (
    SELECT * FROM unnest(:nodes::text[], :ids::uuid[], :digests::text[], :kinds::text[], :origins::text[],
        :bodies::bytea[], :owed::boolean[]) AS g (node, id, digest, kind, origin, body, owed)
), kept AS (
    INSERT INTO inbox_conflict (node, id, digest, kind, origin, received_at, body)
    SELECT node, id, digest, kind, origin, :at::timestamptz, body FROM given
    ON CONFLICT DO NOTHING
    RETURNING node, id, digest
), owing AS (
    INSERT INTO receipt_due (node, recipient, message, digest, outcome, at, reason)
    SELECT g.node, g.origin, g.id, g.digest, 'refused', :at::timestamptz, :reason
    FROM given g JOIN kept USING (node, id, digest) WHERE g.owed
    ON CONFLICT DO NOTHING
)
SELECT node, id, digest FROM kept;

-- name: conflicts
-- The newest bytes kept as evidence, beside what they would have replaced.
SELECT c.node, c.id, c.kind, c.origin, c.digest, c.received_at, i.origin AS first_origin, i.digest AS first_digest
FROM inbox_conflict c JOIN inbox i ON i.node = c.node AND i.id = c.id
WHERE c.node = ANY(:nodes::text[]) ORDER BY c.received_at DESC, c.id DESC LIMIT :count;

-- name: senders
-- Which units sent these messages, as which bytes.
SELECT id, node, digest FROM sent WHERE id = ANY(:ids::uuid[]);

-- name: add_shares!
-- Note whose entries of a receipt are whose.
INSERT INTO receipt_share (node, receipt, holder, entries, whole)
SELECT node, receipt, holder, string_to_array(entries, ',')::int[], whole
FROM unnest(:nodes::text[], :receipts::uuid[], :holders::text[], :entries::text[], :wholes::boolean[])
    AS g (node, receipt, holder, entries, whole)
ON CONFLICT DO NOTHING;

-- name: add_fates!
-- Apply receipts to the messages that they answer, to the very bytes: the router's verdict, and a recipient's word on what
-- it received or, for its id, refused.
INSERT INTO fate (message, giver, outcome, node, at, reason, detail)
SELECT g.message, g.giver, g.outcome, s.node, g.at, g.reason, g.detail
FROM unnest(:messages::uuid[], :digests::text[], :givers::text[], :outcomes::text[], :ats::timestamptz[],
    :reasons::text[], :details::text[]) AS g (message, digest, giver, outcome, at, reason, detail)
JOIN sent s ON s.id = g.message AND s.digest = g.digest
WHERE (g.outcome IN ('accepted', 'refused') AND g.giver = :router)
    OR (g.outcome <> 'accepted' AND g.giver = ANY(s.recipients))
ON CONFLICT DO NOTHING;

-- name: refused_decisions
-- Which of these refusals are of decisions, of the very bytes that were sent.
SELECT s.id FROM unnest(:ids::uuid[], :digests::text[]) AS g (id, digest)
JOIN sent s ON s.id = g.id AND s.digest = g.digest WHERE s.kind = 'decision';

-- name: drop_refused_decisions
-- A decision that the network refused decides nothing: its reports may be decided anew; return them.
WITH freed AS (
    DELETE FROM decided WHERE decision = ANY(:refused::uuid[]) RETURNING hub, report, reversed_by
), noted AS (
    UPDATE intake k SET state = CASE WHEN k.selected THEN 'selected' ELSE 'pending' END
    FROM freed f WHERE k.hub = f.hub AND k.report = f.report AND f.reversed_by IS NULL AND k.state <> 'in_issue'
)
SELECT hub, report FROM freed;

-- name: restore_decisions!
-- What a refused reversal took back stands again, unless it was decided anew; the same where that is refused in its turn.
WITH standing AS (
    SELECT DISTINCT ON (d.hub, d.report) d.hub, d.report, d.decision
    FROM decided d JOIN fate f ON f.message = d.reversed_by AND f.giver = :router AND f.outcome = 'refused'
    WHERE (d.reversed_by = ANY(:refused::uuid[])
            OR (d.hub, d.report) IN (SELECT * FROM unnest(:hubs::text[], :reports::uuid[])))
        AND NOT EXISTS (SELECT FROM decided n WHERE n.hub = d.hub AND n.report = d.report AND n.reversed_by IS NULL)
    ORDER BY d.hub, d.report, d.decision DESC
), restored AS (
    UPDATE decided d SET reversed_by = NULL FROM standing s
    WHERE d.hub = s.hub AND d.report = s.report AND d.decision = s.decision
    RETURNING d.hub, d.report, d.verdict
)
UPDATE intake k SET state = r.verdict FROM restored r
WHERE k.hub = r.hub AND k.report = r.report AND k.state <> 'in_issue';

-- name: add_verdicts!
-- Apply decisions to the reports that they decide.
INSERT INTO verdict (decision, report, node, hub, verdict, series, issue, reason, at, level, forwarded_as)
SELECT * FROM unnest(:decisions::uuid[], :reports::uuid[], :nodes::text[], :hubs::text[], :verdicts::text[],
    :series::text[], :issues::text[], :reasons::text[], :ats::timestamptz[], :levels::text[], :forwarded_as::uuid[])
ON CONFLICT DO NOTHING;

-- name: take_receipts_due
-- Take what these nodes owe, at most so much at a time.
DELETE FROM receipt_due
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM receipt_due WHERE node = ANY(:nodes::text[]) LIMIT :count FOR UPDATE SKIP LOCKED))
RETURNING node, recipient, message, digest, outcome, at, reason;

-- name: inbox
-- What a node may see of what it received, newest first, from before an id; receipts by its shares, wherever they lie.
(
    SELECT node, id, kind, origin, about, title, sent_at, received_at, opened_at, opened_by, digest, ''::bytea AS body,
        NULL::int[] AS entries, true AS whole
    FROM inbox
    WHERE node = :node AND kind = ANY(array_remove(:kinds::text[], 'receipt'))
        AND (:before::uuid IS NULL OR id < :before::uuid)
    ORDER BY id DESC LIMIT :count
) UNION ALL (
    SELECT s.node, i.id, i.kind, i.origin, i.about, i.title, i.sent_at, i.received_at, s.opened_at, s.opened_by, i.digest,
        '', s.entries, s.whole
    FROM (
        SELECT * FROM receipt_share
        WHERE node = :node AND 'receipt' = ANY(:kinds::text[]) AND (:before::uuid IS NULL OR receipt < :before::uuid)
        ORDER BY receipt DESC LIMIT :count
    ) s JOIN inbox i ON i.node = s.holder AND i.id = s.receipt
)
ORDER BY id DESC LIMIT :count;

-- name: inbox_message^
-- One message that a node received; of a receipt, its share of it.
SELECT node, id, kind, origin, about, title, sent_at, received_at, opened_at, opened_by, digest, body,
    NULL::int[] AS entries, true AS whole
FROM inbox WHERE node = :node AND id = :id AND kind <> 'receipt'
UNION ALL
SELECT s.node, i.id, i.kind, i.origin, i.about, i.title, i.sent_at, i.received_at, s.opened_at, s.opened_by, i.digest,
    i.body, s.entries, s.whole
FROM receipt_share s JOIN inbox i ON i.node = s.holder AND i.id = s.receipt WHERE s.node = :node AND s.receipt = :id;

-- name: held_page
-- What a node sent and received of a kind, in order of ids; a page ends where its bytes reach the most.
SELECT id, body FROM (
    SELECT id, body, sum(octet_length(body)) OVER (ORDER BY id) - octet_length(body) AS before
    FROM (
        (SELECT id, body FROM sent WHERE node = :node AND kind = :kind AND (:after::uuid IS NULL OR id > :after)
         ORDER BY id LIMIT :limit)
        UNION
        (SELECT id, body FROM inbox WHERE node = :node AND kind = :kind AND (:after::uuid IS NULL OR id > :after)
         ORDER BY id LIMIT :limit)
        ORDER BY id LIMIT :limit
    ) page
) sized
WHERE before < :most ORDER BY id;

-- name: open_message^
-- Note the first opening and owe the receipt for it; a receipt is not answered by one.
WITH opened AS (
    UPDATE inbox SET opened_at = :at, opened_by = :person
    WHERE node = :node AND id = :id AND kind <> 'receipt' AND opened_at IS NULL
    RETURNING node, origin, id, digest
), looked_at AS (
    UPDATE receipt_share SET opened_at = :at, opened_by = :person
    WHERE node = :node AND receipt = :id AND opened_at IS NULL
)
INSERT INTO receipt_due (node, recipient, message, digest, outcome, at)
SELECT node, origin, id, digest, 'opened', :at::timestamptz FROM opened ON CONFLICT DO NOTHING RETURNING message;

-- name: report_origins
-- Which of these reports lie in a hub's inbox, and from whom.
SELECT id, origin FROM inbox WHERE node = :hub AND kind = 'report' AND id = ANY(:reports::uuid[]);

-- name: decided
-- Which of these reports the hub has decided.
SELECT report FROM decided WHERE hub = :hub AND report = ANY(:reports::uuid[]) AND reversed_by IS NULL;

-- name: add_decided!
-- Note that a hub decided these reports; a second decision in force breaks the index.
WITH given AS (
    INSERT INTO decided (hub, report, decision, verdict)
    SELECT :hub, report, :decision, :verdict FROM unnest(:reports::uuid[]) AS r (report)
    RETURNING hub, report, verdict
)
UPDATE intake k SET state = g.verdict FROM given g WHERE k.hub = g.hub AND k.report = g.report;

-- name: reverse_decided
-- Take back a decision.
WITH freed AS (
    UPDATE decided SET reversed_by = :reversal WHERE hub = :hub AND decision = :decision AND reversed_by IS NULL
    RETURNING hub, report
), noted AS (
    UPDATE intake k SET state = CASE WHEN k.selected THEN 'selected' ELSE 'pending' END
    FROM freed f WHERE k.hub = f.hub AND k.report = f.report
)
SELECT report FROM freed;

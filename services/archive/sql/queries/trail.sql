-- name: message_for^
-- One message, where the reader is its origin or a recipient.
SELECT id, kind, origin, recipients, stored_at, digest, envelope FROM message
WHERE id = :id AND (origin = :reader OR recipients @> ARRAY[:reader::text]);

-- name: messages_page
-- Messages of a kind in order of time, where the reader is origin or recipient; a page ends where its bytes reach the most.
SELECT id, envelope FROM (
    SELECT id, envelope, sent_at, sum(octet_length(envelope)) OVER (ORDER BY sent_at, id) - octet_length(envelope) AS before
    FROM (
        SELECT id, envelope, sent_at FROM message
        WHERE kind = :kind
          AND (:after::uuid IS NULL OR (sent_at, id) > (SELECT a.sent_at, a.id FROM message a WHERE a.id = :after))
          AND (:reader::text IS NULL OR origin = :reader OR recipients @> ARRAY[:reader::text])
        ORDER BY sent_at, id LIMIT :limit
    ) page
) sized
WHERE before < :most ORDER BY sent_at, id;

-- name: refused_for^
-- The first refused bytes that claim an id, where the reader sent them.
SELECT claimed_id AS id, claimed_origin AS origin, first_seen AS stored_at, digest, envelope FROM refused
WHERE claimed_id = :id AND claimed_origin = :reader ORDER BY first_seen LIMIT 1;

-- name: related
-- Messages that say something of a message: receipts of the router, and of a recipient about these very bytes, each
-- outcome once; decisions; what answers it as far as the reader may see it. What speaks of other bytes comes last.
WITH told AS (
    SELECT DISTINCT ON (e.by, e.outcome, e.digest) e.receipt, e.position, e.digest <> :digest AS other
    FROM receipt_entry e
    WHERE e.message = :id
      AND (e.by = :router OR (e.outcome <> 'accepted' AND e.digest = :digest AND e.by = ANY(:recipients::text[])))
    ORDER BY e.by, e.outcome, e.digest, e.at, e.receipt, e.position
), said AS (
    SELECT receipt AS id, position, other FROM told
    UNION ALL
    SELECT decision, position, false FROM decision_item WHERE report = :id
    UNION ALL
    SELECT id, NULL, false FROM message
    WHERE about = :id AND kind <> 'receipt' AND (origin = :reader OR recipients @> ARRAY[:reader::text])
)
SELECT m.id, m.envelope, m.stored_at, said.position FROM said JOIN message m USING (id)
ORDER BY said.other, m.stored_at, m.id, said.position LIMIT :limit;

-- name: message_for^
-- One message, where the reader is its origin or a recipient.
SELECT id, kind, origin, stored_at, digest, envelope FROM message
WHERE id = :id AND (origin = :reader OR recipients @> ARRAY[:reader::text]);

-- name: refused_for^
-- The first refused bytes that claim an id, where the reader sent them.
SELECT claimed_id AS id, claimed_origin AS origin, first_seen AS stored_at, digest, envelope FROM refused
WHERE claimed_id = :id AND claimed_origin = :reader ORDER BY first_seen LIMIT 1;

-- name: related
-- Messages that say something of a message: receipts, decisions, and what answers it as far as the reader may see it.
SELECT m.id, m.envelope, m.stored_at, e.position FROM receipt_entry e JOIN message m ON m.id = e.receipt
WHERE e.message = :id
UNION ALL
SELECT m.id, m.envelope, m.stored_at, i.position FROM decision_item i JOIN message m ON m.id = i.decision
WHERE i.report = :id
UNION ALL
SELECT m.id, m.envelope, m.stored_at, NULL FROM message m
WHERE m.about = :id AND m.kind <> 'receipt' AND (m.origin = :reader OR m.recipients @> ARRAY[:reader::text])
LIMIT :limit;

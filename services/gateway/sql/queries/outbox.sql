-- name: lock_outbox!
-- One writer at a time numbers the outbox, so that the order of numbers is the order of commits.
SELECT pg_advisory_xact_lock(1903850350);

-- name: add_sent!
-- Store messages and their outbox rows in one statement, and wake the relay.
WITH given AS (
    SELECT * FROM unnest(:ids::uuid[], :nodes::text[], :kinds::text[], :abouts::uuid[], :recipients::text[],
        :sent_ats::timestamptz[], :digests::text[], :bodies::bytea[])
        WITH ORDINALITY AS g (id, node, kind, about, recipients, sent_at, digest, body, n)
), stored AS (
    INSERT INTO sent (id, node, kind, about, recipients, sent_at, digest, body)
    SELECT id, node, kind, about, string_to_array(recipients, ','), sent_at, digest, body FROM given
), waiting AS (
    INSERT INTO outbox (node, message) SELECT node, id FROM given ORDER BY n
)
SELECT pg_notify('yizhan_outbox', '');

-- name: next_outbox
-- The waiting messages after a number, in order, as many as fit into so many bytes (at least one).
SELECT seq, node, id, kind, sent_at, body FROM (
    SELECT o.seq, o.node, s.id, s.kind, s.sent_at, s.body, octet_length(s.body) AS size,
        sum(octet_length(s.body)) OVER (ORDER BY o.seq) AS total
    FROM (SELECT seq, node, message FROM outbox WHERE seq > :after AND node = ANY(:nodes::text[]) ORDER BY seq LIMIT :count) o
    JOIN sent s ON s.id = o.message
) sized
WHERE total - size < :bytes ORDER BY seq;

-- name: done_outbox
-- Remove confirmed rows; return the nodes of those that were still there.
DELETE FROM outbox WHERE seq = ANY(:seqs::bigint[]) RETURNING node;

-- name: count_outbox
-- How many messages wait, by node.
SELECT node, count(*) AS waiting FROM outbox WHERE node = ANY(:nodes::text[]) GROUP BY node;

-- name: sent_message^
-- One message that a node sent.
SELECT body FROM sent WHERE id = :id AND node = :node;

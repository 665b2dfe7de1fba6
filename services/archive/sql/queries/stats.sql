-- name: messages_by_kind
-- How many messages of each kind, sent since then.
SELECT kind, count(*) AS count FROM message WHERE (:since::timestamptz IS NULL OR sent_at >= :since) GROUP BY kind;

-- name: accepted$
-- How many reports, sent since then, have a receipt of the router that says these very bytes were accepted.
SELECT count(DISTINCT m.id)
FROM receipt_entry e JOIN message m ON m.id = e.message AND m.digest = e.digest
WHERE e.outcome = 'accepted' AND e.by = :router AND m.kind = 'report' AND (:since::timestamptz IS NULL OR m.sent_at >= :since);

-- name: refused_by_reason
-- How many messages the router refused, by reason; where a message is not stored, its receipt's time counts.
SELECT e.reason, count(DISTINCT e.digest) AS count
FROM receipt_entry e LEFT JOIN message m ON m.id = e.message AND m.digest = e.digest
WHERE e.outcome = 'refused' AND e.by = :router AND (:since::timestamptz IS NULL OR coalesce(m.sent_at, e.at) >= :since)
GROUP BY e.reason;

-- name: deliveries
-- At how many of their recipients stored reports were delivered, and opened: by each one's word on these very bytes.
SELECT e.outcome, count(DISTINCT (e.message, e.by)) AS count
FROM receipt_entry e JOIN message m ON m.id = e.message AND m.digest = e.digest AND e.by = ANY(m.recipients)
WHERE e.outcome IN ('delivered', 'opened') AND m.kind = 'report' AND (:since::timestamptz IS NULL OR m.sent_at >= :since)
GROUP BY e.outcome;

-- name: adopted$
-- How many reports stand adopted, by decisions sent since then.
SELECT count(DISTINCT report) FROM adoption WHERE (:since::timestamptz IS NULL OR sent_at >= :since);

-- name: searchable$
-- How many documents, sent since then.
SELECT count(*) FROM document WHERE (:since::timestamptz IS NULL OR sent_at >= :since);

-- name: latency^
-- Milliseconds from sending to storing, over reports sent since then; null where there is none.
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY took) AS p50, percentile_cont(0.99) WITHIN GROUP (ORDER BY took) AS p99
FROM (
    SELECT 1000 * extract(epoch FROM stored_at - sent_at)::float8 AS took FROM message
    WHERE kind = 'report' AND (:since::timestamptz IS NULL OR sent_at >= :since)
) AS reports;

-- name: newest_refused
-- The newest refused bytes with the reason of the router's first receipt.
SELECT encode(r.digest, 'hex') AS digest, r.first_seen, r.claimed_id, r.claimed_origin, octet_length(r.envelope) AS size,
    e.reason, e.detail
FROM refused r
LEFT JOIN LATERAL (
    SELECT reason, detail FROM receipt_entry
    WHERE digest = r.digest AND outcome = 'refused' AND by = :router ORDER BY at LIMIT 1
) e ON true
ORDER BY r.first_seen DESC, r.digest LIMIT :limit;

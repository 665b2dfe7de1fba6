-- name: attempt^
-- What was said under a client's own id.
SELECT digest, message FROM attempt WHERE node = :node AND id = :id;

-- name: add_attempt!
-- Remember what was said under a client's own id.
INSERT INTO attempt (node, id, digest, message) VALUES (:node, :id, :digest, :message);

-- name: sent_about
-- What a node said about these messages, unless the network refused it.
SELECT s.body FROM sent s
WHERE s.node = :node AND s.kind = :kind AND s.about = ANY(:abouts::uuid[]) AND NOT EXISTS (
    SELECT FROM fate f WHERE f.message = s.id AND f.giver = :router AND f.outcome = 'refused')
ORDER BY s.id;

-- name: received_about
-- What a node was told about these messages.
SELECT body FROM inbox WHERE node = :node AND kind = :kind AND about = ANY(:abouts::uuid[]) ORDER BY id;

-- name: count_questions$
-- How many questions about reports a hub has asked since a time.
SELECT count(*) FROM sent WHERE node = :node AND kind = 'solicitation' AND about IS NOT NULL AND sent_at >= :since;

-- name: appeals_received
-- Appeals that came to a hub, newest first, each with the first answer in force: not refused by the network, and not taken
-- back by a decision about it that was not refused. On demand one of them, or those alone that wait for an answer.
SELECT i.id, i.body, a.body AS answer
FROM inbox i LEFT JOIN LATERAL (
    SELECT s.body FROM sent s
    WHERE s.node = :node AND s.kind = 'adjustment' AND s.about = i.id AND NOT EXISTS (
        SELECT FROM fate f WHERE f.message = s.id AND f.giver = :router AND f.outcome = 'refused')
    AND NOT EXISTS (
        SELECT FROM sent r
        WHERE r.node = :node AND r.kind = 'decision' AND r.about = s.id AND NOT EXISTS (
            SELECT FROM fate f WHERE f.message = r.id AND f.giver = :router AND f.outcome = 'refused'))
    ORDER BY s.id LIMIT 1) a ON true
WHERE i.node = :node AND i.kind = 'appeal' AND (:id::uuid IS NULL OR i.id = :id::uuid)
    AND (:before::uuid IS NULL OR i.id < :before::uuid) AND (NOT :unanswered::boolean OR a.body IS NULL)
ORDER BY i.id DESC LIMIT :count;

-- name: appeals_made
-- Appeals that a unit made, newest first, each with the first answer in force of whom it was made to: not taken back by a
-- decision about it. On demand those alone that wait for an answer.
SELECT s.id, s.body, a.body AS answer
FROM sent s LEFT JOIN LATERAL (
    SELECT i.body FROM inbox i
    WHERE i.node = :node AND i.kind = 'adjustment' AND i.about = s.id AND i.origin = ANY(s.recipients) AND NOT EXISTS (
        SELECT FROM inbox r WHERE r.node = :node AND r.kind = 'decision' AND r.about = i.id AND r.origin = i.origin)
    ORDER BY i.id LIMIT 1) a ON true
WHERE s.node = :node AND s.kind = 'appeal' AND (:before::uuid IS NULL OR s.id < :before::uuid)
    AND (NOT :unanswered::boolean OR a.body IS NULL)
ORDER BY s.id DESC LIMIT :count;

-- name: attempt^
-- What was said under a client's own id.
SELECT digest, message FROM attempt WHERE node = :node AND id = :id;

-- name: add_attempt!
-- Remember what was said under a client's own id.
INSERT INTO attempt (node, id, digest, message) VALUES (:node, :id, :digest, :message);

-- name: sent_about
-- What a node said about these messages, unless the network refused it.
SELECT s.id, s.about, s.body FROM sent s
WHERE s.node = :node AND s.kind = :kind AND s.about = ANY(:abouts::uuid[]) AND NOT EXISTS (
    SELECT FROM fate f WHERE f.message = s.id AND f.giver = :router AND f.outcome = 'refused')
ORDER BY s.id;

-- name: received_about
-- What a node was told about these messages.
SELECT id, about, body FROM inbox WHERE node = :node AND kind = :kind AND about = ANY(:abouts::uuid[]) ORDER BY id;

-- name: count_questions$
-- How many questions about reports a hub has asked since a time.
SELECT count(*) FROM sent WHERE node = :node AND kind = 'solicitation' AND about IS NOT NULL AND sent_at >= :since;

-- name: sent_kind$
-- Of which kind a message of a node is.
SELECT kind FROM sent WHERE node = :node AND id = :id;

-- name: appeals_received
-- Appeals that came to a hub, newest first; on demand those alone that wait for an answer.
SELECT i.id, i.body FROM inbox i
WHERE i.node = :node AND i.kind = 'appeal' AND (:before::uuid IS NULL OR i.id < :before::uuid) AND (
    NOT :open::boolean OR NOT EXISTS (
        SELECT FROM sent s WHERE s.node = :node AND s.kind = 'adjustment' AND s.about = i.id AND NOT EXISTS (
            SELECT FROM fate f WHERE f.message = s.id AND f.giver = :router AND f.outcome = 'refused')))
ORDER BY i.id DESC LIMIT :count;

-- name: appeals_made
-- Appeals that a unit made, newest first; on demand those alone that wait for an answer.
SELECT s.id, s.body FROM sent s
WHERE s.node = :node AND s.kind = 'appeal' AND (:before::uuid IS NULL OR s.id < :before::uuid) AND (
    NOT :open::boolean OR NOT EXISTS (
        SELECT FROM inbox i
        WHERE i.node = :node AND i.kind = 'adjustment' AND i.about = s.id AND i.origin = ANY(s.recipients)))
ORDER BY s.id DESC LIMIT :count;

-- name: add_paper!
-- Store a draft.
INSERT INTO paper (id, node, kind, state, subject, content, author, created_at, updated_at)
VALUES (:id, :node, :kind, 'draft', :subject, :content, :author, :at, :at);

-- name: any_paper^
-- A paper, whosesoever it is.
SELECT id, node, kind, state, subject, content, author, created_at, updated_at, approver, approved_at, message
FROM paper WHERE id = :id;

-- name: paper^
-- One paper of a hub, by its own id or its message's.
SELECT id, node, kind, state, subject, content, author, created_at, updated_at, approver, approved_at, message
FROM paper WHERE node = :node AND (id = :id OR message = :id);

-- name: paper_for_update^
-- One paper of a hub, locked for a change.
SELECT id, node, kind, state, subject, content, author, created_at, updated_at, approver, approved_at, message
FROM paper WHERE node = :node AND id = :id FOR UPDATE;

-- name: papers
-- A hub's papers, newest first, without their content.
SELECT id, node, kind, state, subject, '' AS content, author, created_at, updated_at, approver, approved_at, message
FROM paper
WHERE node = :node AND (:kind::text IS NULL OR kind = :kind::text) AND (:state::text IS NULL OR state = :state::text)
    AND (:before::uuid IS NULL OR id < :before::uuid)
ORDER BY id DESC LIMIT :count;

-- name: set_paper!
-- Change a draft.
UPDATE paper SET subject = :subject, content = :content, author = :author, updated_at = :at WHERE id = :id;

-- name: approve_paper!
-- A lead has approved a draft; from here on it stands.
UPDATE paper SET state = 'approved', approver = :approver, approved_at = :at, updated_at = :at, message = :message
WHERE id = :id;

-- name: drop_paper!
-- Throw a draft away.
DELETE FROM paper WHERE id = :id;

-- name: standing_paper$
-- The approved paper of a hub on a subject, unless the network refused it.
SELECT p.id FROM paper p
WHERE p.node = :node AND p.kind = :kind AND p.subject = :subject AND p.state = 'approved' AND NOT EXISTS (
    SELECT FROM fate f WHERE f.message = p.message AND f.giver = :router AND f.outcome = 'refused')
LIMIT 1;

-- name: last_said_paper$
-- As which message a hub's last paper since a time was sent, unless the network refused it.
SELECT p.message FROM paper p
WHERE p.node = :node AND p.state = 'approved' AND p.approved_at > :since AND NOT EXISTS (
    SELECT FROM fate f WHERE f.message = p.message AND f.giver = :router AND f.outcome = 'refused')
ORDER BY p.message DESC LIMIT 1;

-- name: titles
-- The titles of reports as a node knows them: received, or sent by itself.
SELECT id, title FROM inbox WHERE node = :node AND kind = 'report' AND id = ANY(:reports::uuid[])
UNION ALL
SELECT message, title FROM item WHERE node = :node AND message = ANY(:reports::uuid[]);

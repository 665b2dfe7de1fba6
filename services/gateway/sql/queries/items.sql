-- name: add_items!
-- Store new items with their first event.
WITH given AS (
    SELECT * FROM unnest(:ids::uuid[], :nodes::text[], :states::text[], :titles::text[], :contents::text[],
        :abouts::uuid[], :authors::text[], :ats::timestamptz[], :messages::uuid[], :steps::text[])
        AS g (id, node, state, title, content, about, author, at, message, step)
), stored AS (
    INSERT INTO item (id, node, state, title, content, about, author, created_at, updated_at, message)
    SELECT id, node, state, title, content, about, author, at, at, message FROM given
)
INSERT INTO item_event (item, at, person, step, state, note)
SELECT id, at, author, step, state, '' FROM given;

-- name: items_by_id
-- These items, whosesoever they are.
SELECT id, node, state, title, content, about, author, created_at, updated_at, message
FROM item WHERE id = ANY(:ids::uuid[]);

-- name: imported
-- As which items a node's contents were imported.
SELECT digest, item FROM imported WHERE node = :node AND digest = ANY(:digests::text[]);

-- name: add_imported!
-- Remember the contents that were imported.
INSERT INTO imported (node, digest, item) SELECT :node, * FROM unnest(:digests::text[], :items::uuid[]);

-- name: item_for_update^
-- One item of a node, locked for a step.
SELECT id, node, state, title, content, about, author, created_at, updated_at, message
FROM item WHERE id = :id AND node = :node FOR UPDATE;

-- name: item^
-- One item of a node, by its own id or that of its message.
SELECT id, node, state, title, content, about, author, created_at, updated_at, message
FROM item WHERE node = :node AND (id = :id OR message = :id);

-- name: items
-- A node's items, newest first, from before an id.
SELECT i.id, i.node, i.state, i.title, '' AS content, i.about, i.author, i.created_at, i.updated_at, i.message
FROM item i
WHERE i.node = :node AND (:state::text IS NULL OR i.state = :state::text) AND (:before::uuid IS NULL OR i.id < :before::uuid)
ORDER BY i.id DESC LIMIT :count;

-- name: set_item!
-- A step taken: new state, content, chain and message.
UPDATE item SET state = :state, title = :title, content = :content, about = :about, updated_at = :at, message = :message
WHERE id = :id;

-- name: add_item_event!
-- The history of an item grows by one.
INSERT INTO item_event (item, at, person, step, state, note) VALUES (:item, :at, :person, :step, :state, :note);

-- name: item_events
-- The history of an item.
SELECT at, person, step, state, note FROM item_event WHERE item = :item ORDER BY at;

-- name: add_sign_off!
-- Keep a sign-off; a new one of the same action takes the old one's place.
INSERT INTO item_sign_off (item, action, envelope) VALUES (:item, :action, :envelope)
ON CONFLICT (item, action) DO UPDATE SET envelope = excluded.envelope;

-- name: drop_sign_offs!
-- An edited item must be signed anew.
DELETE FROM item_sign_off WHERE item = :item;

-- name: sign_offs
-- The sign-offs of an item.
SELECT envelope FROM item_sign_off WHERE item = :item ORDER BY action DESC;

-- name: fates
-- What became of these messages.
SELECT message, giver, outcome, at, reason, detail FROM fate WHERE message = ANY(:messages::uuid[]) ORDER BY at;

-- name: verdicts
-- What hubs decided about these reports.
SELECT report, decision, hub, verdict, series, issue, reason, at, level, forwarded_as FROM verdict
WHERE report = ANY(:reports::uuid[]) ORDER BY at;

-- name: add_event!
-- A trace without content.
INSERT INTO event (id, at, node, person, code) VALUES (:id, :at, :node, :person, :code) ON CONFLICT DO NOTHING;

-- name: count_events
-- How often each thing happened.
SELECT code, count(*) AS number FROM event WHERE at >= :since GROUP BY code;

-- name: count_sent_items$
-- How many reports left the drafting room since a time.
SELECT count(*) FROM sent WHERE kind = 'report' AND sent_at >= :since;

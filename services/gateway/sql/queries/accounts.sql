-- name: put_accounts!
-- Create or replace accounts; tokens issued under an earlier password end with it.
WITH ended AS (
    DELETE FROM token t USING unnest(:nodes::text[], :persons::text[]) AS g (node, person)
    WHERE t.node = g.node AND t.person = g.person
)
INSERT INTO account (node, person, password_hash, key_pem)
SELECT * FROM unnest(:nodes::text[], :persons::text[], :hashes::text[], :keys::bytea[])
ON CONFLICT (node, person) DO UPDATE SET password_hash = excluded.password_hash, key_pem = excluded.key_pem;

-- name: account^
-- One account.
SELECT node, person, password_hash, key_pem FROM account WHERE node = :node AND person = :person;

-- name: signed_in_from$
-- Whether a person has signed in from an address.
SELECT EXISTS (SELECT FROM sign_in_address WHERE node = :node AND person = :person AND address = :address);

-- name: add_sign_in!
-- Remember from where a person signed in; forget what is long ago.
WITH old AS (DELETE FROM sign_in_address WHERE at < :forget AND (node, person, address) <> (:node, :person, :address))
INSERT INTO sign_in_address (node, person, address, at) VALUES (:node, :person, :address, :at)
ON CONFLICT (node, person, address) DO UPDATE SET at = excluded.at;

-- name: add_token!
-- A new token.
INSERT INTO token (digest, node, person, label, expires_at) VALUES (:digest, :node, :person, :label, :expires_at);

-- name: token^
-- Whose token this is, while it lasts.
SELECT node, person, label, expires_at FROM token WHERE digest = :digest AND expires_at > :now;

-- name: drop_token!
-- Sign out.
DELETE FROM token WHERE digest = :digest;

-- name: drop_old_tokens!
-- Forget what has ended.
DELETE FROM token WHERE expires_at <= :now;

-- name: add_registry!
-- Remember a registry message.
INSERT INTO registry (digest, body) VALUES (:digest, :body) ON CONFLICT DO NOTHING;

-- name: registry
-- All registry messages in the order in which they were learnt.
SELECT body FROM registry ORDER BY seq;

-- name: take_turn$
-- One writer at a time, until its transaction ends: what concerns one another, in two processes, must see each other.
SELECT pg_advisory_xact_lock(6441377135)

-- name: record_facts
-- Record facts; return the ids of those not recorded before.
INSERT INTO fact (id, kind, hub, verdict, about, sent_at, digest, content)
SELECT * FROM unnest(
    :ids::uuid[], :kinds::text[], :hubs::text[], :verdicts::text[], :abouts::uuid[], :sent_ats::timestamptz[],
    :digests::text[], :contents::bytea[]
)
ON CONFLICT (id) DO NOTHING
RETURNING id

-- name: record_refs!
-- Record by which ids facts find one another.
INSERT INTO ref (ref, fact)
SELECT * FROM unnest(:refs::uuid[], :facts::uuid[])
ON CONFLICT DO NOTHING

-- name: neighbourhood
-- Return these facts and all that they lead to, however far.
WITH RECURSIVE near (fact) AS (
    SELECT * FROM unnest(:ids::uuid[])
    UNION
    SELECT theirs.fact
    FROM near
    JOIN ref AS ours ON ours.fact = near.fact
    JOIN ref AS theirs ON theirs.ref = ours.ref
)
SELECT content FROM fact WHERE id IN (SELECT fact FROM near)

-- name: reused_ids
-- Of these ids with these digests, return those that are recorded with another digest.
SELECT given.digest
FROM unnest(:ids::uuid[], :digests::text[]) AS given (id, digest)
JOIN fact USING (id)
WHERE fact.digest <> given.digest

-- name: reversals_of
-- Return the reversals of these facts where both are recorded, with what they reverse.
SELECT r.digest, r.content AS reversal, d.content AS target
FROM fact AS r
JOIN fact AS d ON d.id = r.about
WHERE r.verdict = 'reversed' AND r.about = ANY (:targets::uuid[])

-- name: append_entries
-- Append entries; return the ids of those that were not there.
INSERT INTO entry (id, event, report, unit, hub, level, month, at, series, issue, kind, share, items, points,
                   rule_version, rule, via, reverses)
SELECT * FROM unnest(
    :ids::uuid[], :events::uuid[], :reports::uuid[], :units::text[], :hubs::text[], :levels::text[], :months::text[],
    :ats::timestamptz[], :seriess::text[], :issues::text[], :kinds::text[], :shares::numeric[], :itemss::smallint[],
    :pointss::numeric[], :rule_versions::text[], :rules::text[], :vias::uuid[], :reversess::uuid[]
)
ON CONFLICT (id) DO NOTHING
RETURNING id

-- name: record_ignored
-- Record what did not count; return those not recorded before.
INSERT INTO ignored (digest, reason, detail, message, hub)
SELECT * FROM unnest(:digests::text[], :reasons::text[], :details::text[], :messages::uuid[], :hubs::text[])
ON CONFLICT (digest, reason) DO NOTHING
RETURNING digest, reason

-- name: record_reports!
-- Record what obligations need to know of reports.
INSERT INTO report (id, unit, hubs, month, about, research, joint, digest)
SELECT id, unit, string_to_array(hubs, ','), month, about, research, string_to_array(joint, ','), digest
FROM unnest(
    :ids::uuid[], :units::text[], :hubs::text[], :months::text[], :abouts::uuid[], :researchs::boolean[], :joints::text[],
    :digests::text[]
) AS given (id, unit, hubs, month, about, research, joint, digest)
ON CONFLICT (id) DO NOTHING

-- name: statement^
-- Return the digest of the statement of a kind that came under an id; null where that was not recorded.
SELECT digest FROM statement WHERE kind = :kind AND id = :id

-- name: record_rules!
-- Record a version of a hub's rules.
INSERT INTO rules (message, hub, version, effective_from, content, sent_at, digest)
VALUES (:message, :hub, :version, :effective_from, :content, :sent_at, :digest)
ON CONFLICT DO NOTHING

-- name: record_rules_again!
-- Record a message that says of a version what was said before.
INSERT INTO rules_again (message, hub, digest)
VALUES (:message, :hub, :digest)

-- name: facts_between
-- Return the facts sent within a time, for rules that came after them.
SELECT id, digest FROM fact WHERE sent_at >= :since AND sent_at < :until ORDER BY id

-- name: record_bulletin!
-- Record a bulletin.
INSERT INTO bulletin (id, hub, type, period, content, sent_at, digest)
VALUES (:id, :hub, :type, :period, :content, :sent_at, :digest)
ON CONFLICT DO NOTHING

-- name: record_designation!
-- Record a designation.
INSERT INTO designation (id, hub, unit, standing, replaces, effective_from, content, sent_at, digest)
VALUES (:id, :hub, :unit, :standing, :replaces, :effective_from, :content, :sent_at, :digest)
ON CONFLICT (id) DO NOTHING

-- name: record_appeal!
-- Record an appeal.
INSERT INTO appeal (id, unit, hubs, month, about, person, text, sent_at, digest)
VALUES (:id, :unit, :hubs, :month, :about, :person, :text, :sent_at, :digest)
ON CONFLICT (id) DO NOTHING

-- name: take_turn$
-- One writer at a time, until its transaction ends: a decision and its reversal in two processes must see each other.
SELECT pg_advisory_xact_lock(6441377135)

-- name: record_decisions
-- Record decisions; return the ids of those not recorded before.
INSERT INTO decision (id, hub, verdict, about, digest, sent_at)
SELECT * FROM unnest(
    :ids::uuid[], :hubs::text[], :verdicts::text[], :abouts::uuid[], :digests::text[], :sent_ats::timestamptz[]
)
ON CONFLICT (id) DO NOTHING
RETURNING id

-- name: reused_ids
-- Of these ids with these digests, return those that are recorded with another digest.
SELECT given.digest
FROM unnest(:ids::uuid[], :digests::text[]) AS given (id, digest)
JOIN decision USING (id)
WHERE decision.digest <> given.digest

-- name: reversals_of
-- Return all reversals of these decisions where both are recorded.
SELECT r.id, r.hub, r.digest, r.sent_at, d.id AS target, d.hub AS target_hub, d.verdict AS target_verdict
FROM decision AS r
JOIN decision AS d ON d.id = r.about
WHERE r.verdict = 'reversed' AND r.about = ANY (:targets::uuid[])

-- name: original_entries
-- Return what these decisions earned in the first place.
SELECT id, decision, report, unit, hub, month, series, issue, verdict, share, items, points,
       rule_set, rule_version, rule, reverses, at
FROM entry
WHERE decision = ANY (:decisions::uuid[]) AND reverses IS NULL

-- name: append_entries
-- Append entries; return the ids of those that were not there.
INSERT INTO entry (id, decision, report, unit, hub, month, series, issue, verdict, share, items, points,
                   rule_set, rule_version, rule, reverses, at)
SELECT * FROM unnest(
    :ids::uuid[], :decisions::uuid[], :reports::uuid[], :units::text[], :hubs::text[], :months::text[],
    :seriess::text[], :issues::text[], :verdicts::text[], :shares::numeric[], :itemss::smallint[], :pointss::numeric[],
    :rule_sets::text[], :rule_versions::text[], :rules::text[], :reversess::uuid[], :ats::timestamptz[]
)
ON CONFLICT (id) DO NOTHING
RETURNING id

-- name: record_ignored
-- Record what did not count; return those not recorded before.
INSERT INTO ignored (digest, reason, detail, message, hub)
SELECT * FROM unnest(:digests::text[], :reasons::text[], :details::text[], :messages::uuid[], :hubs::text[])
ON CONFLICT (digest, reason) DO NOTHING
RETURNING digest, reason

-- name: record_rules!
-- Record rule versions as they are when first loaded.
INSERT INTO rule_version (rule_set, version, content)
SELECT * FROM unnest(:rule_sets::text[], :versions::text[], :contents::text[])
ON CONFLICT (rule_set, version) DO NOTHING

-- name: recorded_rules
-- Return every rule version ever loaded.
SELECT rule_set, version, content FROM rule_version

-- name: store_batch
-- Store new messages with their documents, receipt entries and decision items; return the ids that were there before.
WITH given AS (
    SELECT * FROM unnest(
        :ids::uuid[], :kinds::text[], :origins::text[], :recipients::text[], :abouts::uuid[], :sent_ats::timestamptz[],
        :digests::bytea[], :envelopes::bytea[])
        AS g (id, kind, origin, recipients, about, sent_at, digest, envelope)
), stored AS (
    INSERT INTO message (id, kind, origin, recipients, about, sent_at, stored_at, digest, envelope)
    SELECT id, kind, origin, string_to_array(recipients, ','), about, sent_at, :stored_at::timestamptz, digest, envelope
    FROM given
    ON CONFLICT DO NOTHING
    RETURNING id
), documents AS (
    INSERT INTO document (id, origin, readers, title, body, folded, category, stage, urgency, importance, research,
        sources, sent_at, text_hash, search)
    SELECT d.id, d.origin, string_to_array(d.readers, ','), d.title, d.body, d.folded, d.category, d.stage, d.urgency,
        d.importance, d.research, string_to_array(d.sources, E'\n'), d.sent_at, d.text_hash, d.search::tsvector
    FROM unnest(
        :doc_ids::uuid[], :doc_origins::text[], :doc_readers::text[], :doc_titles::text[], :doc_bodies::text[],
        :doc_folded::text[], :doc_categories::text[], :doc_stages::text[], :doc_urgencies::text[],
        :doc_importances::text[], :doc_research::boolean[], :doc_sources::text[], :doc_sent_ats::timestamptz[],
        :doc_hashes::bytea[], :doc_vectors::text[])
        AS d (id, origin, readers, title, body, folded, category, stage, urgency, importance, research, sources,
            sent_at, text_hash, search)
    JOIN stored USING (id)
), entries AS (
    INSERT INTO receipt_entry (receipt, position, message, digest, outcome, at, reason, detail, by)
    SELECT e.* FROM unnest(
        :entry_receipts::uuid[], :entry_positions::int[], :entry_messages::uuid[], :entry_digests::bytea[],
        :entry_outcomes::text[], :entry_ats::timestamptz[], :entry_reasons::text[], :entry_details::text[],
        :entry_bys::text[])
        AS e (receipt, position, message, digest, outcome, at, reason, detail, by)
    JOIN stored ON stored.id = e.receipt
), items AS (
    INSERT INTO decision_item (decision, position, report, origin, hub, verdict, share, series, issue, reverses, sent_at)
    SELECT i.decision, i.position, i.report, i.origin, i.hub, i.verdict, i.share::numeric, i.series, i.issue, i.reverses,
        i.sent_at
    FROM unnest(
        :item_decisions::uuid[], :item_positions::int[], :item_reports::uuid[], :item_origins::text[],
        :item_hubs::text[], :item_verdicts::text[], :item_shares::text[], :item_series::text[], :item_issues::text[],
        :item_reverses::uuid[], :item_sent_ats::timestamptz[])
        AS i (decision, position, report, origin, hub, verdict, share, series, issue, reverses, sent_at)
    JOIN stored ON stored.id = i.decision
)
SELECT given.id, message.digest <> given.digest AS reused
FROM given JOIN message USING (id);

-- name: store_refused!
-- Keep refused bytes, once each.
INSERT INTO refused (digest, first_seen, claimed_id, claimed_origin, envelope)
SELECT digest, :first_seen::timestamptz, claimed_id, claimed_origin, envelope
FROM unnest(:digests::bytea[], :claimed_ids::uuid[], :claimed_origins::text[], :envelopes::bytea[])
    AS g (digest, claimed_id, claimed_origin, envelope)
ON CONFLICT DO NOTHING;

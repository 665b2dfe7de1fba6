-- Every message that travelled, with its exact bytes.
CREATE TABLE message (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    origin text COLLATE "C" NOT NULL,
    recipients text[] COLLATE "C" NOT NULL,
    about uuid,
    sent_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    envelope bytea NOT NULL
);
CREATE INDEX message_about ON message (about) WHERE about IS NOT NULL;
CREATE INDEX message_kind ON message (kind, sent_at);

-- Reports as they are searched. `readers` = origin and recipients.
CREATE TABLE document (
    id uuid PRIMARY KEY,
    origin text COLLATE "C" NOT NULL,
    readers text[] COLLATE "C" NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    folded text, -- title, newline, body in one case and width; null where that changes nothing
    category text NOT NULL,
    stage text NOT NULL,
    urgency text NOT NULL,
    importance text NOT NULL,
    research boolean NOT NULL,
    sources text[] NOT NULL,
    sent_at timestamptz NOT NULL,
    text_hash bytea NOT NULL CHECK (octet_length(text_hash) = 32),
    search tsvector NOT NULL
);
CREATE INDEX document_sent_at ON document (sent_at DESC, id DESC);
CREATE INDEX document_text_hash ON document (text_hash);
CREATE INDEX document_readers ON document USING gin (readers);
-- fastupdate gathers new lexemes in a list that every search reads through and that one insert in many merges: it
-- makes storing several times faster. The list is kept short, so that neither search nor that insert waits for long.
CREATE INDEX document_search ON document USING gin (search) WITH (fastupdate = on, gin_pending_list_limit = 2048);

-- Receipts, one row per entry. No foreign key: a receipt may arrive before its message, or for none.
CREATE TABLE receipt_entry (
    receipt uuid NOT NULL,
    position int NOT NULL,
    message uuid,
    digest bytea NOT NULL,
    outcome text NOT NULL,
    at timestamptz NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    by text COLLATE "C" NOT NULL,
    PRIMARY KEY (receipt, position)
);
CREATE INDEX receipt_entry_message ON receipt_entry (message) WHERE message IS NOT NULL;
CREATE INDEX receipt_entry_refused ON receipt_entry (digest) WHERE outcome = 'refused';

-- Decisions, one row per report under them; likewise without foreign keys.
CREATE TABLE decision_item (
    decision uuid NOT NULL,
    position int NOT NULL,
    report uuid NOT NULL,
    origin text COLLATE "C" NOT NULL,
    hub text COLLATE "C" NOT NULL,
    verdict text NOT NULL,
    share numeric NOT NULL,
    series text,
    issue text,
    reverses uuid,
    sent_at timestamptz NOT NULL,
    PRIMARY KEY (decision, position)
);
CREATE INDEX decision_item_report ON decision_item (report);
CREATE INDEX decision_item_reverses ON decision_item (reverses) WHERE reverses IS NOT NULL;

-- Adoptions that stand: adopted or merged, and not taken back by the same hub.
CREATE VIEW adoption AS
SELECT i.report, i.decision, i.hub, i.sent_at
FROM decision_item i
WHERE i.verdict IN ('adopted', 'merged')
  AND NOT EXISTS (SELECT FROM decision_item r WHERE r.reverses = i.decision AND r.hub = i.hub);

-- What the router refused, as evidence; the bytes may be anything. Claims are unproven.
CREATE TABLE refused (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    first_seen timestamptz NOT NULL,
    claimed_id uuid,
    claimed_origin text COLLATE "C",
    envelope bytea NOT NULL
);
CREATE INDEX refused_first_seen ON refused (first_seen DESC);
CREATE INDEX refused_claimed_id ON refused (claimed_id) WHERE claimed_id IS NOT NULL;

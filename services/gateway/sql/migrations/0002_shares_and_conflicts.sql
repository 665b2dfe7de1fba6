-- Whose entries of a receipt are whose: units of one gateway share a receipt, which lies in the inbox of one of them.
-- What receipts said before this table stands with the items; only the inboxes no longer list those receipts.
CREATE TABLE receipt_share (
    node text NOT NULL,
    receipt uuid NOT NULL,
    holder text NOT NULL,
    entries int[] NOT NULL,
    whole boolean NOT NULL,
    opened_at timestamptz,
    opened_by text,
    PRIMARY KEY (node, receipt),
    FOREIGN KEY (holder, receipt) REFERENCES inbox (node, id)
);

-- Other bytes under an id that the inbox knows: kept as evidence, without effect.
CREATE TABLE inbox_conflict (
    node text NOT NULL,
    id uuid NOT NULL,
    digest text NOT NULL,
    kind text NOT NULL,
    origin text NOT NULL,
    received_at timestamptz NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (node, id, digest)
);
CREATE INDEX inbox_conflict_newest ON inbox_conflict (received_at DESC);

-- Such bytes are refused, each by its digest.
ALTER TABLE receipt_due ADD COLUMN reason text NOT NULL DEFAULT '';
ALTER TABLE receipt_due DROP CONSTRAINT receipt_due_pkey;
ALTER TABLE receipt_due ADD PRIMARY KEY (node, recipient, message, outcome, digest);

-- Content that was imported without an id of its own, by its digest: importing it again makes no second item.
CREATE TABLE imported (
    node text NOT NULL,
    digest text NOT NULL,
    item uuid NOT NULL REFERENCES item,
    PRIMARY KEY (node, digest)
);

-- From where a person has signed in: others' failures elsewhere do not slow them down there.
CREATE TABLE sign_in_address (
    node text NOT NULL,
    person text NOT NULL,
    address text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (node, person, address),
    FOREIGN KEY (node, person) REFERENCES account ON DELETE CASCADE
);
CREATE INDEX sign_in_address_oldest ON sign_in_address (at);

-- People of the hosted units who may sign in, with their encrypted signing keys.
CREATE TABLE account (
    node text NOT NULL,
    person text NOT NULL,
    password_hash text NOT NULL,
    key_pem bytea,
    PRIMARY KEY (node, person)
);

CREATE TABLE token (
    digest text PRIMARY KEY,
    node text NOT NULL,
    person text NOT NULL,
    label text NOT NULL,
    expires_at timestamptz NOT NULL,
    FOREIGN KEY (node, person) REFERENCES account ON DELETE CASCADE
);

CREATE TABLE item (
    id uuid PRIMARY KEY,
    node text NOT NULL,
    state text NOT NULL,
    title text NOT NULL,
    content text NOT NULL,
    about uuid,
    author text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    message uuid UNIQUE
);
CREATE INDEX item_by_node ON item (node, id DESC);

CREATE TABLE item_event (
    item uuid NOT NULL REFERENCES item,
    at timestamptz NOT NULL,
    person text NOT NULL,
    step text NOT NULL,
    state text NOT NULL,
    note text NOT NULL
);
CREATE INDEX item_event_by_item ON item_event (item, at);

CREATE TABLE item_sign_off (
    item uuid NOT NULL REFERENCES item,
    action text NOT NULL,
    envelope bytea NOT NULL,
    PRIMARY KEY (item, action)
);

-- Every message that this gateway's nodes said, exactly as sent.
CREATE TABLE sent (
    id uuid PRIMARY KEY,
    node text NOT NULL,
    kind text NOT NULL,
    about uuid,
    recipients text[] NOT NULL,
    sent_at timestamptz NOT NULL,
    digest text NOT NULL,
    body bytea NOT NULL
);
CREATE INDEX sent_by_node ON sent (node, kind, id DESC);

-- What is not yet confirmed by the broker. Rows are removed when confirmed, so it stays as small as the backlog.
CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node text NOT NULL,
    message uuid NOT NULL REFERENCES sent
);

CREATE TABLE inbox (
    node text NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    origin text NOT NULL,
    about uuid,
    title text NOT NULL,
    sent_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    opened_at timestamptz,
    opened_by text,
    digest text NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (node, id)
);
CREATE INDEX inbox_by_kind ON inbox (node, kind, id DESC);

-- What became of the messages that we sent: one row for each giver and outcome.
CREATE TABLE fate (
    message uuid NOT NULL,
    giver text NOT NULL,
    outcome text NOT NULL,
    node text NOT NULL,
    at timestamptz NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    PRIMARY KEY (message, giver, outcome)
);

-- What hubs decided about our reports.
CREATE TABLE verdict (
    decision uuid NOT NULL,
    report uuid NOT NULL,
    node text NOT NULL,
    hub text NOT NULL,
    verdict text NOT NULL,
    series text NOT NULL,
    issue text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (decision, report, node)
);
CREATE INDEX verdict_by_report ON verdict (report);

-- What our hubs decided: one living decision for a report at a hub.
CREATE TABLE decided (
    hub text NOT NULL,
    report uuid NOT NULL,
    decision uuid NOT NULL,
    verdict text NOT NULL,
    PRIMARY KEY (hub, report)
);

CREATE TABLE receipt_due (
    node text NOT NULL,
    recipient text NOT NULL,
    message uuid NOT NULL,
    digest text NOT NULL,
    outcome text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (node, recipient, message, outcome)
);

-- Events that must leave a trace but no content, such as a classified item stopped here (Art. 2).
CREATE TABLE event (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    node text NOT NULL,
    person text NOT NULL,
    code text NOT NULL
);

-- Directory and rosters as last seen, so that a start without the broker still knows whom to trust.
CREATE TABLE registry (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest text NOT NULL UNIQUE,
    body bytea NOT NULL
);

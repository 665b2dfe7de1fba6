-- What a hub's editors go by (待采编): a row for each report at a hub, written with its inbox row.
-- Reports of before this table are added by the gateway itself (handlers/intake.py), since only it can read envelopes.
CREATE TABLE intake (
    hub text NOT NULL,
    report uuid NOT NULL,
    origin text NOT NULL,
    about uuid,
    stage text NOT NULL,
    category text NOT NULL,
    urgency text NOT NULL,
    importance text NOT NULL,
    research boolean NOT NULL,
    received_at timestamptz NOT NULL,
    sketch int[] NOT NULL,
    state text NOT NULL,
    selected boolean NOT NULL DEFAULT false,
    assigned text,
    PRIMARY KEY (hub, report),
    FOREIGN KEY (hub, report) REFERENCES inbox (node, id)
);
CREATE INDEX intake_by_state ON intake (hub, state, report DESC);
CREATE INDEX intake_by_origin ON intake (hub, origin, report DESC);
CREATE INDEX intake_assigned ON intake (hub, assigned, report DESC) WHERE assigned IS NOT NULL;
CREATE INDEX intake_chain ON intake (hub, about) WHERE about IS NOT NULL;
CREATE INDEX intake_sketch ON intake USING gin (sketch);

-- What editors say to each other; it never leaves the hub.
CREATE TABLE opinion (
    hub text NOT NULL,
    report uuid NOT NULL,
    id uuid NOT NULL,
    person text NOT NULL,
    at timestamptz NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (hub, report, id),
    FOREIGN KEY (hub, report) REFERENCES intake
);

-- A report's text as edited at the hub, version by version; the original stays in the inbox.
CREATE TABLE edited_text (
    hub text NOT NULL,
    report uuid NOT NULL,
    version int NOT NULL,
    person text NOT NULL,
    at timestamptz NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (hub, report, version),
    FOREIGN KEY (hub, report) REFERENCES intake
);

-- A hub's publications (刊物).
CREATE TABLE series (
    hub text NOT NULL,
    series text NOT NULL,
    name text NOT NULL,
    organ text NOT NULL,
    up text[] NOT NULL,
    down text[] NOT NULL,
    across text[] NOT NULL,
    first_number int NOT NULL,
    first_total int NOT NULL,
    PRIMARY KEY (hub, series)
);

-- Issues (期): drafts, and final ones, which do not change any more.
CREATE TABLE issue (
    id uuid PRIMARY KEY,
    hub text NOT NULL,
    series text NOT NULL,
    year int NOT NULL,
    number int NOT NULL,
    total int NOT NULL,
    day date NOT NULL,
    next_item int NOT NULL DEFAULT 1,
    opened_by text NOT NULL,
    opened_at timestamptz NOT NULL,
    final_by text,
    final_at timestamptz,
    publication uuid,
    name text NOT NULL DEFAULT '',
    organ text NOT NULL DEFAULT '',
    up text[] NOT NULL DEFAULT '{}',
    down text[] NOT NULL DEFAULT '{}',
    across text[] NOT NULL DEFAULT '{}',
    FOREIGN KEY (hub, series) REFERENCES series,
    UNIQUE (hub, series, year, number),
    UNIQUE (hub, series, total)
);
CREATE INDEX issue_by_hub ON issue (hub, opened_at DESC, id DESC);

-- What an issue is made of. Without a text of its own an item has its first report's, as edited; a final one has its text.
CREATE TABLE issue_item (
    issue uuid NOT NULL REFERENCES issue ON DELETE CASCADE,
    n int NOT NULL,
    id uuid NOT NULL UNIQUE,
    place int NOT NULL,
    verdict text NOT NULL,
    title text,
    body text,
    editor text NOT NULL,
    decision uuid,
    PRIMARY KEY (issue, n)
);

CREATE TABLE issue_report (
    issue uuid NOT NULL,
    n int NOT NULL,
    place int NOT NULL,
    hub text NOT NULL,
    report uuid NOT NULL,
    share numeric NOT NULL,
    draft boolean NOT NULL DEFAULT true,
    PRIMARY KEY (issue, report),
    FOREIGN KEY (issue, n) REFERENCES issue_item ON DELETE CASCADE,
    FOREIGN KEY (hub, report) REFERENCES intake
);
CREATE UNIQUE INDEX issue_report_draft ON issue_report (hub, report) WHERE draft;
CREATE INDEX issue_report_by_item ON issue_report (issue, n, place);

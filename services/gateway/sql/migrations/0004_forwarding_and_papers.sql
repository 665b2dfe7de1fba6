-- What an item of a hub sends on (转报): the originals in this order, with their shares of the credit.
CREATE TABLE item_forward (
    item uuid NOT NULL REFERENCES item,
    position int NOT NULL,
    report uuid NOT NULL,
    share numeric NOT NULL,
    PRIMARY KEY (item, report)
);

-- What our hubs selected for a higher level: one living selection of a report for a level, and its outcome there.
CREATE TABLE selection (
    hub text NOT NULL,
    report uuid NOT NULL,
    level text NOT NULL,
    decision uuid NOT NULL,
    forwarded_as uuid,
    outcome uuid,
    PRIMARY KEY (hub, report, level)
);
CREATE INDEX selection_by_decision ON selection (decision);
CREATE INDEX selection_by_outcome ON selection (outcome) WHERE outcome IS NOT NULL;

-- For which level a hub's verdict counts, and as which report of the hub ours went on.
ALTER TABLE verdict ADD COLUMN level text NOT NULL DEFAULT '', ADD COLUMN forwarded_as uuid;

-- What answers what: verification requests and appeals, with their answers.
CREATE INDEX sent_answering ON sent (about, kind) WHERE about IS NOT NULL;
CREATE INDEX inbox_answering ON inbox (about, node, kind) WHERE about IS NOT NULL;

-- What was said under a client's own id, so that trying again does not say it twice.
CREATE TABLE attempt (
    node text NOT NULL,
    id uuid NOT NULL,
    digest text NOT NULL,
    message uuid NOT NULL REFERENCES sent,
    PRIMARY KEY (node, id)
);

-- Papers that a lead approves (文稿): rules, bulletins, designations.
CREATE TABLE paper (
    id uuid PRIMARY KEY,
    node text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    subject text NOT NULL,
    content text NOT NULL,
    author text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    approver text,
    approved_at timestamptz,
    message uuid UNIQUE REFERENCES sent
);
CREATE INDEX paper_by_node ON paper (node, id DESC);
CREATE INDEX paper_by_subject ON paper (node, kind, subject);

CREATE FUNCTION refuse_paper_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on paper %: what is approved does not change', TG_OP, OLD.id USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER approved_stands BEFORE UPDATE OR DELETE ON paper
    FOR EACH ROW WHEN (OLD.state = 'approved') EXECUTE FUNCTION refuse_paper_change();

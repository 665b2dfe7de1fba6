-- What a report says that it answers (decision, key point, solicitation: Art. 9), to count those that name a key point.
ALTER TABLE intake ADD COLUMN answers text NOT NULL DEFAULT '';
CREATE INDEX intake_answers ON intake (hub, answers) WHERE answers <> '';

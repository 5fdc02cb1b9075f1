-- +goose Up
-- +goose StatementBegin
-- Who is told again, elsewhere or not at all: reminders, fallback channels, silences and what they hold back.

ALTER TABLE channels ADD COLUMN renotify_s INTEGER NOT NULL DEFAULT 0;       -- seconds after which it is reminded; 0: never
ALTER TABLE channels ADD COLUMN fallback_id BLOB;                            -- the channel that is told instead
ALTER TABLE channels ADD COLUMN fallback_after_s INTEGER NOT NULL DEFAULT 0; -- seconds; 0: only when a delivery is dead

ALTER TABLE deliveries ADD COLUMN cause TEXT NOT NULL DEFAULT '';  -- what made it, unless it was a pipeline: fallback, reminder, acknowledged, analysis, resend, test, sent
ALTER TABLE deliveries ADD COLUMN detail TEXT NOT NULL DEFAULT ''; -- its reason in a sentence
ALTER TABLE deliveries ADD COLUMN held_by BLOB;                    -- the silence that holds it back

ALTER TABLE messages ADD COLUMN parts INTEGER NOT NULL DEFAULT 1; -- a long one is sent in parts
ALTER TABLE messages ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;  -- parts that have arrived
ALTER TABLE messages ADD COLUMN remark TEXT NOT NULL DEFAULT '';  -- what went wrong while it was written

CREATE TABLE silences (
    id             BLOB PRIMARY KEY,
    tenant_id      TEXT NOT NULL,
    name           TEXT NOT NULL DEFAULT '', -- of those that configuration files know
    kind           TEXT NOT NULL, -- silence, maintenance
    matchers       TEXT NOT NULL, -- JSON list of strings
    comment        TEXT NOT NULL DEFAULT '',
    created_by     TEXT NOT NULL DEFAULT '',
    starts_at      TIMESTAMP NOT NULL,
    ends_at        TIMESTAMP,
    until_resolved BOOLEAN NOT NULL DEFAULT false,
    unused_for_s   INTEGER NOT NULL DEFAULT 0,
    recurrence     TEXT NOT NULL DEFAULT '', -- JSON, '' for none
    used_at        TIMESTAMP,                -- when it last held something back, or could have
    expired_at     TIMESTAMP,                -- when it was over
    expired_by     TEXT NOT NULL DEFAULT '', -- who ended it, '' when it ended by itself
    version        INTEGER NOT NULL DEFAULT 1,
    created_at     TIMESTAMP NOT NULL,
    updated_at     TIMESTAMP NOT NULL
);
CREATE INDEX silences_list ON silences (tenant_id, id);
CREATE INDEX silences_live ON silences (tenant_id) WHERE expired_at IS NULL;
CREATE UNIQUE INDEX silences_name ON silences (tenant_id, name) WHERE name <> '' AND expired_at IS NULL;

-- Alerts that somebody would have been told of but for a silence, one row for each firing alert of what was held back. Whoever tells them
-- anew takes the rows away in the same transaction.
CREATE TABLE holds (
    incident_id BLOB NOT NULL,
    alert_id    BLOB NOT NULL,
    tenant_id   TEXT NOT NULL,
    silence_id  BLOB NOT NULL,
    held_at     TIMESTAMP NOT NULL,
    PRIMARY KEY (incident_id, alert_id)
);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE holds;
DROP TABLE silences;
ALTER TABLE messages DROP COLUMN parts;
ALTER TABLE messages DROP COLUMN sent;
ALTER TABLE messages DROP COLUMN remark;
ALTER TABLE deliveries DROP COLUMN cause;
ALTER TABLE deliveries DROP COLUMN detail;
ALTER TABLE deliveries DROP COLUMN held_by;
ALTER TABLE channels DROP COLUMN renotify_s;
ALTER TABLE channels DROP COLUMN fallback_id;
ALTER TABLE channels DROP COLUMN fallback_after_s;
-- +goose StatementEnd

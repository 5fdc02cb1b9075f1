-- +goose Up
-- +goose StatementBegin
-- Who is asked for analyses, what that cost, and answers that serve again.

CREATE TABLE providers (
    id          BLOB PRIMARY KEY,
    tenant_id   TEXT NOT NULL,
    name        TEXT NOT NULL,
    provider    TEXT NOT NULL,
    config      TEXT NOT NULL DEFAULT '{}',
    is_active   BOOLEAN NOT NULL DEFAULT false,
    description TEXT NOT NULL DEFAULT '',
    version     INTEGER NOT NULL DEFAULT 1,
    created_at  TIMESTAMP NOT NULL,
    updated_at  TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX providers_name ON providers (tenant_id, name);
CREATE UNIQUE INDEX providers_active ON providers (tenant_id) WHERE is_active;

-- One row for each hour of a provider. Reserved are the estimates of calls under way.
CREATE TABLE provider_usage (
    tenant_id         TEXT NOT NULL,
    provider          TEXT NOT NULL,
    hour              TIMESTAMP NOT NULL,
    calls             INTEGER NOT NULL DEFAULT 0,
    failed            INTEGER NOT NULL DEFAULT 0,
    cached            INTEGER NOT NULL DEFAULT 0,
    refused           INTEGER NOT NULL DEFAULT 0,
    prompt_tokens     INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    reserved_tokens   INTEGER NOT NULL DEFAULT 0,
    cost_micros       INTEGER NOT NULL DEFAULT 0,
    reserved_micros   INTEGER NOT NULL DEFAULT 0,
    duration_ms       INTEGER NOT NULL DEFAULT 0,
    slowest_ms        INTEGER NOT NULL DEFAULT 0,
    noticed           BOOLEAN NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, provider, hour)
);

-- Calls about one incident, and the answer that those who ask at the same time share.
CREATE TABLE analysis_calls (
    tenant_id   TEXT NOT NULL,
    incident_id BLOB NOT NULL,
    provider    TEXT NOT NULL,
    calls       INTEGER NOT NULL DEFAULT 0,
    state_key   TEXT NOT NULL DEFAULT '',
    claim       BLOB,
    claimed_to  TIMESTAMP,
    answer_key  TEXT NOT NULL DEFAULT '',
    answered_at TIMESTAMP,
    updated_at  TIMESTAMP NOT NULL,
    PRIMARY KEY (incident_id, provider)
);
CREATE INDEX analysis_calls_old ON analysis_calls (updated_at);

CREATE TABLE analysis_answers (
    key        TEXT PRIMARY KEY,
    tenant_id  TEXT NOT NULL,
    provider   TEXT NOT NULL,
    model      TEXT NOT NULL,
    answer     TEXT NOT NULL,
    cut        BOOLEAN NOT NULL DEFAULT false,
    made_at    TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL
);
CREATE INDEX analysis_answers_old ON analysis_answers (expires_at);

ALTER TABLE analyses ADD COLUMN record TEXT NOT NULL DEFAULT '';
ALTER TABLE analyses ADD COLUMN answer_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE analyses ADD COLUMN cost_micros INTEGER;
ALTER TABLE analyses ADD COLUMN prompt TEXT NOT NULL DEFAULT '';
ALTER TABLE analyses ADD COLUMN raw_answer TEXT NOT NULL DEFAULT '';
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
ALTER TABLE analyses DROP COLUMN raw_answer;
ALTER TABLE analyses DROP COLUMN prompt;
ALTER TABLE analyses DROP COLUMN cost_micros;
ALTER TABLE analyses DROP COLUMN answer_hash;
ALTER TABLE analyses DROP COLUMN record;
DROP TABLE analysis_answers;
DROP TABLE analysis_calls;
DROP TABLE provider_usage;
DROP TABLE providers;
-- +goose StatementEnd

-- +goose Up
-- +goose StatementBegin
-- Who is asked for analyses, what that cost, and answers that serve again.

CREATE TABLE providers (
    id          uuid PRIMARY KEY,
    tenant_id   text NOT NULL,
    name        text NOT NULL,
    provider    text NOT NULL,
    config      text NOT NULL DEFAULT '{}',
    is_active   boolean NOT NULL DEFAULT false,
    description text NOT NULL DEFAULT '',
    version     bigint NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX providers_name ON providers (tenant_id, name);
CREATE UNIQUE INDEX providers_active ON providers (tenant_id) WHERE is_active;

-- One row for each hour of a provider. Reserved are the estimates of calls under way.
CREATE TABLE provider_usage (
    tenant_id         text NOT NULL,
    provider          text NOT NULL,
    hour              timestamptz NOT NULL,
    calls             bigint NOT NULL DEFAULT 0,
    failed            bigint NOT NULL DEFAULT 0,
    cached            bigint NOT NULL DEFAULT 0,
    refused           bigint NOT NULL DEFAULT 0,
    prompt_tokens     bigint NOT NULL DEFAULT 0,
    completion_tokens bigint NOT NULL DEFAULT 0,
    reserved_tokens   bigint NOT NULL DEFAULT 0,
    cost_micros       bigint NOT NULL DEFAULT 0,
    reserved_micros   bigint NOT NULL DEFAULT 0,
    duration_ms       bigint NOT NULL DEFAULT 0,
    slowest_ms        bigint NOT NULL DEFAULT 0,
    noticed           boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, provider, hour)
);

-- Calls about one incident, and the answer that those who ask at the same time share.
CREATE TABLE analysis_calls (
    tenant_id   text NOT NULL,
    incident_id uuid NOT NULL,
    provider    text NOT NULL,
    calls       bigint NOT NULL DEFAULT 0,
    state_key   text NOT NULL DEFAULT '',
    claim       uuid,
    claimed_to  timestamptz,
    answer_key  text NOT NULL DEFAULT '',
    answered_at timestamptz,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (incident_id, provider)
);
CREATE INDEX analysis_calls_old ON analysis_calls (updated_at);

CREATE TABLE analysis_answers (
    key        text PRIMARY KEY,
    tenant_id  text NOT NULL,
    provider   text NOT NULL,
    model      text NOT NULL,
    answer     text NOT NULL,
    cut        boolean NOT NULL DEFAULT false,
    made_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX analysis_answers_old ON analysis_answers (expires_at);

ALTER TABLE analyses ADD COLUMN record text NOT NULL DEFAULT '';
ALTER TABLE analyses ADD COLUMN answer_hash text NOT NULL DEFAULT '';
ALTER TABLE analyses ADD COLUMN cost_micros bigint;
ALTER TABLE analyses ADD COLUMN prompt text NOT NULL DEFAULT '';
ALTER TABLE analyses ADD COLUMN raw_answer text NOT NULL DEFAULT '';
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

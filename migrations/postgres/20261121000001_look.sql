-- +goose Up
-- +goose StatementBegin
-- What the hub sees and concludes by itself: checks, analyses, changes that it was told of, and what incidents were about.

CREATE TABLE check_runs (
    id                 uuid PRIMARY KEY,
    tenant_id          text NOT NULL,
    checker_name       text NOT NULL,
    hostname           text NOT NULL,
    status             text NOT NULL,
    message            text NOT NULL,
    metrics            text NOT NULL DEFAULT '{}',
    error              text NOT NULL DEFAULT '',
    warning_threshold  double precision,
    critical_threshold double precision,
    origin             text NOT NULL,
    alert_id           uuid,
    run_id             uuid,
    duration_ms        bigint NOT NULL,
    executed_at        timestamptz NOT NULL,
    trace_id           text NOT NULL DEFAULT ''
);
CREATE INDEX check_runs_list ON check_runs (tenant_id, id);
CREATE INDEX check_runs_checker ON check_runs (tenant_id, checker_name, hostname, id);
CREATE INDEX check_runs_run ON check_runs (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE preflight_runs (
    id             uuid PRIMARY KEY,
    tenant_id      text NOT NULL,
    instance_id    text NOT NULL,
    passed         bigint NOT NULL,
    warnings       bigint NOT NULL,
    errors         bigint NOT NULL,
    overall_status text NOT NULL,
    triggered_by   text NOT NULL,
    checks         text NOT NULL,
    created_at     timestamptz NOT NULL
);
CREATE INDEX preflight_runs_list ON preflight_runs (tenant_id, id);

CREATE TABLE analyses (
    id                    uuid PRIMARY KEY,
    tenant_id             text NOT NULL,
    trace_id              text NOT NULL DEFAULT '',
    run_id                uuid,
    incident_id           uuid,
    provider              text NOT NULL,
    provider_config       text NOT NULL DEFAULT '{}',
    model_name            text NOT NULL DEFAULT '',
    prompt_version        text NOT NULL DEFAULT '',
    status                text NOT NULL,
    rung                  text NOT NULL DEFAULT '',
    error_class           text NOT NULL DEFAULT '',
    error_message         text NOT NULL DEFAULT '',
    fallback_used         boolean NOT NULL DEFAULT false,
    grounded              boolean NOT NULL DEFAULT false,
    truncated             boolean NOT NULL DEFAULT false,
    cached                boolean NOT NULL DEFAULT false,
    input_summary         text NOT NULL DEFAULT '{}',
    checker_output_ref    text NOT NULL DEFAULT '',
    evidence              text NOT NULL DEFAULT '[]',
    recommendations       text NOT NULL DEFAULT '[]',
    recommendations_count bigint NOT NULL DEFAULT 0,
    summary               text NOT NULL DEFAULT '',
    probable_cause        text NOT NULL DEFAULT '',
    confidence            double precision,
    prompt_tokens         bigint,
    completion_tokens     bigint,
    total_tokens          bigint,
    created_at            timestamptz NOT NULL,
    started_at            timestamptz,
    completed_at          timestamptz,
    duration_ms           bigint,
    owner                 text NOT NULL DEFAULT ''
);
CREATE INDEX analyses_list ON analyses (tenant_id, id);
CREATE INDEX analyses_incident ON analyses (incident_id, id) WHERE incident_id IS NOT NULL;
CREATE INDEX analyses_running ON analyses (id) WHERE status = 'running';
CREATE INDEX analyses_run ON analyses (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE changes (
    id         uuid PRIMARY KEY,
    tenant_id  text NOT NULL,
    title      text NOT NULL,
    kind       text NOT NULL,
    service    text NOT NULL DEFAULT '',
    labels     text NOT NULL DEFAULT '{}',
    url        text NOT NULL DEFAULT '',
    author     text NOT NULL DEFAULT '',
    at         timestamptz NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX changes_at ON changes (tenant_id, at, id);

-- What an incident was about, as numbers that can be compared: made again when its alerts or its end have changed since.
CREATE TABLE incident_vectors (
    incident_id uuid PRIMARY KEY,
    tenant_id   text NOT NULL,
    event_seq   bigint NOT NULL,
    template    text NOT NULL DEFAULT '',
    vector      bytea NOT NULL,
    made_at     timestamptz NOT NULL
);
CREATE INDEX incident_vectors_list ON incident_vectors (tenant_id, incident_id);
CREATE INDEX incident_vectors_made ON incident_vectors (tenant_id, made_at);

-- Written by the operator, with the database at hand: what its checks connect to is not guarded.
ALTER TABLE definition_versions ADD COLUMN vouched boolean NOT NULL DEFAULT false;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
ALTER TABLE definition_versions DROP COLUMN vouched;
DROP TABLE incident_vectors, changes, analyses, preflight_runs, check_runs;
-- +goose StatementEnd

-- +goose Up
-- +goose StatementBegin
-- What the hub sees and concludes by itself: checks, analyses, changes that it was told of, and what incidents were about.

CREATE TABLE check_runs (
    id                 BLOB PRIMARY KEY,
    tenant_id          TEXT NOT NULL,
    checker_name       TEXT NOT NULL,
    hostname           TEXT NOT NULL,
    status             TEXT NOT NULL,
    message            TEXT NOT NULL,
    metrics            TEXT NOT NULL DEFAULT '{}',
    error              TEXT NOT NULL DEFAULT '',
    warning_threshold  DOUBLE PRECISION,
    critical_threshold DOUBLE PRECISION,
    origin             TEXT NOT NULL,
    alert_id           BLOB,
    run_id             BLOB,
    duration_ms        INTEGER NOT NULL,
    executed_at        TIMESTAMP NOT NULL,
    trace_id           TEXT NOT NULL DEFAULT ''
);
CREATE INDEX check_runs_list ON check_runs (tenant_id, id);
CREATE INDEX check_runs_checker ON check_runs (tenant_id, checker_name, hostname, id);
CREATE INDEX check_runs_run ON check_runs (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE preflight_runs (
    id             BLOB PRIMARY KEY,
    tenant_id      TEXT NOT NULL,
    instance_id    TEXT NOT NULL,
    passed         INTEGER NOT NULL,
    warnings       INTEGER NOT NULL,
    errors         INTEGER NOT NULL,
    overall_status TEXT NOT NULL,
    triggered_by   TEXT NOT NULL,
    checks         TEXT NOT NULL,
    created_at     TIMESTAMP NOT NULL
);
CREATE INDEX preflight_runs_list ON preflight_runs (tenant_id, id);

CREATE TABLE analyses (
    id                    BLOB PRIMARY KEY,
    tenant_id             TEXT NOT NULL,
    trace_id              TEXT NOT NULL DEFAULT '',
    run_id                BLOB,
    incident_id           BLOB,
    provider              TEXT NOT NULL,
    provider_config       TEXT NOT NULL DEFAULT '{}',
    model_name            TEXT NOT NULL DEFAULT '',
    prompt_version        TEXT NOT NULL DEFAULT '',
    status                TEXT NOT NULL,
    rung                  TEXT NOT NULL DEFAULT '',
    error_class           TEXT NOT NULL DEFAULT '',
    error_message         TEXT NOT NULL DEFAULT '',
    fallback_used         BOOLEAN NOT NULL DEFAULT false,
    grounded              BOOLEAN NOT NULL DEFAULT false,
    truncated             BOOLEAN NOT NULL DEFAULT false,
    cached                BOOLEAN NOT NULL DEFAULT false,
    input_summary         TEXT NOT NULL DEFAULT '{}',
    checker_output_ref    TEXT NOT NULL DEFAULT '',
    evidence              TEXT NOT NULL DEFAULT '[]',
    recommendations       TEXT NOT NULL DEFAULT '[]',
    recommendations_count INTEGER NOT NULL DEFAULT 0,
    summary               TEXT NOT NULL DEFAULT '',
    probable_cause        TEXT NOT NULL DEFAULT '',
    confidence            DOUBLE PRECISION,
    prompt_tokens         INTEGER,
    completion_tokens     INTEGER,
    total_tokens          INTEGER,
    created_at            TIMESTAMP NOT NULL,
    started_at            TIMESTAMP,
    completed_at          TIMESTAMP,
    duration_ms           INTEGER,
    owner                 TEXT NOT NULL DEFAULT ''
);
CREATE INDEX analyses_list ON analyses (tenant_id, id);
CREATE INDEX analyses_incident ON analyses (incident_id, id) WHERE incident_id IS NOT NULL;
CREATE INDEX analyses_running ON analyses (id) WHERE status = 'running';
CREATE INDEX analyses_run ON analyses (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE changes (
    id         BLOB PRIMARY KEY,
    tenant_id  TEXT NOT NULL,
    title      TEXT NOT NULL,
    kind       TEXT NOT NULL,
    service    TEXT NOT NULL DEFAULT '',
    labels     TEXT NOT NULL DEFAULT '{}',
    url        TEXT NOT NULL DEFAULT '',
    author     TEXT NOT NULL DEFAULT '',
    at         TIMESTAMP NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX changes_at ON changes (tenant_id, at, id);

-- What an incident was about, as numbers that can be compared: made again when its alerts or its end have changed since.
CREATE TABLE incident_vectors (
    incident_id BLOB PRIMARY KEY,
    tenant_id   TEXT NOT NULL,
    event_seq   INTEGER NOT NULL,
    template    TEXT NOT NULL DEFAULT '',
    vector      BLOB NOT NULL,
    made_at     TIMESTAMP NOT NULL
);
CREATE INDEX incident_vectors_list ON incident_vectors (tenant_id, incident_id);
CREATE INDEX incident_vectors_made ON incident_vectors (tenant_id, made_at);

-- Written by the operator, with the database at hand: what its checks connect to is not guarded.
ALTER TABLE definition_versions ADD COLUMN vouched BOOLEAN NOT NULL DEFAULT false;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
ALTER TABLE definition_versions DROP COLUMN vouched;
DROP TABLE incident_vectors;
DROP TABLE changes;
DROP TABLE analyses;
DROP TABLE preflight_runs;
DROP TABLE check_runs;
-- +goose StatementEnd

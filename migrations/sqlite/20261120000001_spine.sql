-- +goose Up
-- +goose StatementBegin
-- Times are UTC. Ids are UUIDv7, so id order is time order and lists page by id. No foreign keys on the hot tables:
-- rows of one push are written in one transaction, and pruning goes by id range.

CREATE TABLE config_generation (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL
);

CREATE TABLE sources (
    id          BLOB PRIMARY KEY,
    tenant_id   TEXT NOT NULL,
    name        TEXT NOT NULL,
    driver      TEXT NOT NULL DEFAULT '',
    source_name TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '',
    group_by    TEXT NOT NULL DEFAULT '[]',
    key_prefix  TEXT NOT NULL DEFAULT '',
    key_hash    TEXT NOT NULL DEFAULT '',
    signature   TEXT NOT NULL DEFAULT '',
    is_default  BOOLEAN NOT NULL DEFAULT false,
    is_active   BOOLEAN NOT NULL DEFAULT true,
    version     INTEGER NOT NULL DEFAULT 1,
    created_at  TIMESTAMP NOT NULL,
    updated_at  TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX sources_name ON sources (tenant_id, name);
CREATE UNIQUE INDEX sources_default ON sources (tenant_id) WHERE is_default;
CREATE UNIQUE INDEX sources_key ON sources (key_hash) WHERE key_hash <> '';

CREATE TABLE channels (
    id           BLOB PRIMARY KEY,
    tenant_id    TEXT NOT NULL,
    name         TEXT NOT NULL,
    driver       TEXT NOT NULL,
    config       TEXT NOT NULL DEFAULT '{}',
    is_active    BOOLEAN NOT NULL DEFAULT true,
    description  TEXT NOT NULL DEFAULT '',
    min_severity TEXT NOT NULL DEFAULT '',
    version      INTEGER NOT NULL DEFAULT 1,
    created_at   TIMESTAMP NOT NULL,
    updated_at   TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX channels_name ON channels (tenant_id, name);

CREATE TABLE definitions (
    id          BLOB PRIMARY KEY,
    tenant_id   TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    version     INTEGER NOT NULL DEFAULT 1,
    config      TEXT NOT NULL,
    tags        TEXT NOT NULL DEFAULT '[]',
    is_active   BOOLEAN NOT NULL DEFAULT true,
    created_by  TEXT NOT NULL DEFAULT '',
    created_at  TIMESTAMP NOT NULL,
    updated_at  TIMESTAMP NOT NULL,
    deleted_at  TIMESTAMP
);
CREATE UNIQUE INDEX definitions_name ON definitions (tenant_id, name) WHERE deleted_at IS NULL;

CREATE TABLE definition_versions (
    definition_id BLOB NOT NULL,
    version       INTEGER NOT NULL,
    tenant_id     TEXT NOT NULL,
    config        TEXT NOT NULL,
    created_by    TEXT NOT NULL DEFAULT '',
    created_at    TIMESTAMP NOT NULL,
    PRIMARY KEY (definition_id, version)
);

-- The times at which schedules fired, each with its run; without a run: a time that nothing before it is fired for.
CREATE TABLE schedule_slots (
    definition_id BLOB NOT NULL,
    slot          TIMESTAMP NOT NULL,
    tenant_id     TEXT NOT NULL,
    run_id        BLOB,
    fired_at      TIMESTAMP NOT NULL,
    PRIMARY KEY (definition_id, slot)
);

-- Secret values of any row, sealed; the prefix check keeps plain text out whatever the code does.
CREATE TABLE secrets (
    tenant_id  TEXT NOT NULL,
    owner      TEXT NOT NULL,
    owner_id   BLOB NOT NULL,
    field      TEXT NOT NULL,
    value      TEXT NOT NULL CHECK (value LIKE 'v1:%'),
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (owner, owner_id, field)
);

CREATE TABLE api_keys (
    id                BLOB PRIMARY KEY,
    tenant_id         TEXT NOT NULL,
    name              TEXT NOT NULL,
    key_prefix        TEXT NOT NULL,
    key_hash          TEXT NOT NULL,
    scopes            TEXT NOT NULL DEFAULT '[]',
    allowed_endpoints TEXT NOT NULL DEFAULT '[]',
    is_active         BOOLEAN NOT NULL DEFAULT true,
    created_at        TIMESTAMP NOT NULL,
    expires_at        TIMESTAMP,
    last_used_at      TIMESTAMP
);
CREATE UNIQUE INDEX api_keys_name ON api_keys (tenant_id, name);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (key_hash);

CREATE TABLE sessions (
    token     TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    data      BLOB NOT NULL,
    expiry    TIMESTAMP NOT NULL
);
CREATE INDEX sessions_expiry ON sessions (expiry);

CREATE TABLE receipts (
    id           BLOB PRIMARY KEY,
    tenant_id    TEXT NOT NULL,
    source_id    BLOB NOT NULL,
    driver       TEXT NOT NULL,
    delivery_key TEXT,
    trace_id     TEXT NOT NULL,
    origin       TEXT NOT NULL,
    outcome      TEXT NOT NULL,
    reason       TEXT NOT NULL DEFAULT '',
    n            INTEGER NOT NULL,
    truncated    INTEGER NOT NULL DEFAULT 0,
    headers      TEXT NOT NULL DEFAULT '{}',
    result       TEXT,
    reprocess_of BLOB,
    received_at  TIMESTAMP NOT NULL,
    folded_at    TIMESTAMP
);
CREATE INDEX receipts_odd ON receipts (tenant_id, id) WHERE outcome <> 'queued';
CREATE UNIQUE INDEX receipts_delivery_key ON receipts (tenant_id, source_id, delivery_key) WHERE delivery_key IS NOT NULL;

CREATE TABLE receipt_bodies (
    receipt_id BLOB PRIMARY KEY,
    tenant_id  TEXT NOT NULL,
    encoding   INTEGER NOT NULL,
    body       BLOB NOT NULL
);

CREATE TABLE observations (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    receipt_id       BLOB NOT NULL,
    idx              INTEGER NOT NULL,
    tenant_id        TEXT NOT NULL,
    source_id        BLOB NOT NULL,
    source           TEXT NOT NULL,
    fingerprint      TEXT NOT NULL,
    name             TEXT NOT NULL,
    status           TEXT NOT NULL,
    severity         TEXT NOT NULL,
    passive          BOOLEAN NOT NULL,
    group_key        TEXT NOT NULL,
    vendor_group_key TEXT NOT NULL,
    description      TEXT NOT NULL,
    labels           TEXT NOT NULL,
    annotations      TEXT NOT NULL,
    started_at       TIMESTAMP,
    ended_at         TIMESTAMP,
    rejected         TEXT NOT NULL DEFAULT '',
    UNIQUE (receipt_id, idx)
);

-- What became of each observation on each route; definition_id is the nil UUID where no definition took it.
CREATE TABLE ledger (
    receipt_id    BLOB NOT NULL,
    idx           INTEGER NOT NULL,
    definition_id BLOB NOT NULL,
    tenant_id     TEXT NOT NULL,
    run_id        BLOB,
    incident_id   BLOB,
    alert_id      BLOB,
    state         TEXT NOT NULL,
    reason        TEXT NOT NULL DEFAULT '',
    trace         TEXT NOT NULL,
    created_at    TIMESTAMP NOT NULL,
    settled_at    TIMESTAMP,
    PRIMARY KEY (receipt_id, idx, definition_id)
);
CREATE INDEX ledger_open ON ledger (tenant_id, receipt_id) WHERE state IN ('pending', 'dead');

CREATE TABLE runs (
    id                 BLOB PRIMARY KEY,
    tenant_id          TEXT NOT NULL,
    trace_id           TEXT NOT NULL,
    definition_id      BLOB NOT NULL,
    definition_name    TEXT NOT NULL,
    definition_version INTEGER NOT NULL,
    receipt_id         BLOB,
    parent_run_id      BLOB,
    incident_id        BLOB,
    event_seq          INTEGER NOT NULL DEFAULT 0,
    event_kind         TEXT NOT NULL DEFAULT '',
    state              TEXT NOT NULL,
    status             TEXT NOT NULL,
    current_node       TEXT NOT NULL DEFAULT '',
    source             TEXT NOT NULL,
    alert_fingerprint  TEXT NOT NULL DEFAULT '',
    environment        TEXT NOT NULL,
    origin             TEXT NOT NULL,
    total_attempts     INTEGER NOT NULL DEFAULT 1,
    error_type         TEXT NOT NULL DEFAULT '',
    error_message      TEXT NOT NULL DEFAULT '',
    error_retryable    BOOLEAN NOT NULL DEFAULT false,
    created_at         TIMESTAMP NOT NULL,
    updated_at         TIMESTAMP NOT NULL,
    started_at         TIMESTAMP,
    finished_at        TIMESTAMP
);
CREATE INDEX runs_failed ON runs (tenant_id, id) WHERE state = 'failed';
CREATE INDEX runs_incident ON runs (incident_id) WHERE incident_id IS NOT NULL;

-- Where each node of a run stands now, with its last execution; node_attempts keeps those before it.
CREATE TABLE node_runs (
    run_id      BLOB NOT NULL,
    node        TEXT NOT NULL,
    tenant_id   TEXT NOT NULL,
    type        TEXT NOT NULL,
    state       TEXT NOT NULL,
    attempt     INTEGER NOT NULL,
    failures    INTEGER NOT NULL DEFAULT 0,
    rescues     INTEGER NOT NULL DEFAULT 0,
    has_errors  BOOLEAN NOT NULL DEFAULT false,
    reason      TEXT NOT NULL DEFAULT '',
    choice      TEXT NOT NULL DEFAULT '',
    detail      TEXT,
    input       TEXT,
    output      TEXT,
    error_type  TEXT NOT NULL DEFAULT '',
    error       TEXT NOT NULL DEFAULT '',
    retryable   BOOLEAN NOT NULL DEFAULT false,
    started_at  TIMESTAMP,
    duration_us INTEGER NOT NULL DEFAULT 0,
    finished_at TIMESTAMP,
    pruned      BOOLEAN NOT NULL DEFAULT false, -- input and output were there and are not kept any more
    PRIMARY KEY (run_id, node)
);

CREATE TABLE node_attempts (
    run_id      BLOB NOT NULL,
    node        TEXT NOT NULL,
    attempt     INTEGER NOT NULL,
    tenant_id   TEXT NOT NULL,
    state       TEXT NOT NULL,
    input       TEXT,
    error_type  TEXT NOT NULL DEFAULT '',
    error       TEXT NOT NULL DEFAULT '',
    retryable   BOOLEAN NOT NULL DEFAULT false,
    started_at  TIMESTAMP NOT NULL,
    duration_us INTEGER NOT NULL DEFAULT 0,
    pruned      BOOLEAN NOT NULL DEFAULT false,
    PRIMARY KEY (run_id, node, attempt)
);

-- The queue. due_at is the time to start while waiting and the end of the lease while held; finished rows are deleted.
CREATE TABLE jobs (
    kind        TEXT NOT NULL,
    ref         BLOB NOT NULL,
    node        TEXT NOT NULL DEFAULT '',
    tenant_id   TEXT NOT NULL,
    queue       TEXT NOT NULL,
    attempt     INTEGER NOT NULL DEFAULT 0,
    failures    INTEGER NOT NULL DEFAULT 0,
    rescues     INTEGER NOT NULL DEFAULT 0,
    due_at      TIMESTAMP NOT NULL,
    lease_token BLOB,
    created_at  TIMESTAMP NOT NULL,
    PRIMARY KEY (kind, ref, node)
) WITHOUT ROWID;
CREATE INDEX jobs_due ON jobs (queue, due_at);

-- Runs of definitions with max_concurrency: those that work on slow nodes (held), and those that wait for their turn.
CREATE TABLE run_slots (
    definition_id BLOB NOT NULL,
    run_id        BLOB NOT NULL,
    tenant_id     TEXT NOT NULL,
    held          BOOLEAN NOT NULL,
    PRIMARY KEY (definition_id, run_id)
) WITHOUT ROWID;

CREATE TABLE alerts (
    id               BLOB PRIMARY KEY,
    tenant_id        TEXT NOT NULL,
    source           TEXT NOT NULL,
    fingerprint      TEXT NOT NULL,
    name             TEXT NOT NULL,
    severity         TEXT NOT NULL,
    status           TEXT NOT NULL,
    description      TEXT NOT NULL,
    labels           TEXT NOT NULL,
    annotations      TEXT NOT NULL,
    group_key        TEXT NOT NULL,
    vendor_group_key TEXT NOT NULL,
    context_key      TEXT NOT NULL DEFAULT '',
    incident_id      BLOB,
    receipt_id       BLOB,
    trace_id         TEXT NOT NULL,
    last_seq         INTEGER NOT NULL,
    occurrences      INTEGER NOT NULL,
    started_at       TIMESTAMP NOT NULL,
    ended_at         TIMESTAMP,
    received_at      TIMESTAMP NOT NULL,
    updated_at       TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX alerts_key ON alerts (tenant_id, source, fingerprint);
CREATE INDEX alerts_incident ON alerts (incident_id);
CREATE INDEX alerts_firing ON alerts (tenant_id, id) WHERE status = 'firing';

CREATE TABLE alert_history (
    alert_id    BLOB NOT NULL,
    id          BLOB NOT NULL,
    tenant_id   TEXT NOT NULL,
    incident_id BLOB,
    receipt_id  BLOB,
    idx         INTEGER NOT NULL DEFAULT 0,
    event       TEXT NOT NULL,
    old_status  TEXT NOT NULL,
    new_status  TEXT NOT NULL,
    details     TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    PRIMARY KEY (alert_id, id)
) WITHOUT ROWID;

CREATE TABLE incidents (
    id              BLOB PRIMARY KEY,
    tenant_id       TEXT NOT NULL,
    group_key       TEXT NOT NULL,
    title           TEXT NOT NULL,
    description     TEXT NOT NULL,
    summary         TEXT NOT NULL DEFAULT '',
    status          TEXT NOT NULL,
    severity        TEXT NOT NULL,
    metadata        TEXT NOT NULL DEFAULT '{}',
    event_seq       INTEGER NOT NULL,
    version         INTEGER NOT NULL DEFAULT 1,
    trace_id        TEXT NOT NULL,
    created_at      TIMESTAMP NOT NULL,
    updated_at      TIMESTAMP NOT NULL,
    acknowledged_at TIMESTAMP,
    resolved_at     TIMESTAMP,
    closed_at       TIMESTAMP
);
CREATE UNIQUE INDEX incidents_open ON incidents (group_key, tenant_id) WHERE status IN ('open', 'acknowledged');
CREATE INDEX incidents_status ON incidents (tenant_id, status, id);

CREATE TABLE incident_events (
    incident_id BLOB NOT NULL,
    seq         INTEGER NOT NULL,
    tenant_id   TEXT NOT NULL,
    kind        TEXT NOT NULL,
    actor       TEXT NOT NULL DEFAULT '',
    details     TEXT NOT NULL,
    trace_id    TEXT NOT NULL DEFAULT '',
    created_at  TIMESTAMP NOT NULL,
    PRIMARY KEY (incident_id, seq)
) WITHOUT ROWID;

-- What must be told: one row per (incident, event, step, channel), which is what idem_key spells. run_id is the run that made it, NULL
-- where none waits for it.
CREATE TABLE deliveries (
    id            BLOB PRIMARY KEY,
    tenant_id     TEXT NOT NULL,
    idem_key      TEXT NOT NULL,
    incident_id   BLOB,
    run_id        BLOB,
    definition_id BLOB,
    node          TEXT NOT NULL DEFAULT '',
    event_seq     INTEGER NOT NULL,
    step          INTEGER NOT NULL,
    channel_id    BLOB NOT NULL,
    kind          TEXT NOT NULL,
    severity      TEXT NOT NULL,
    message_id    BLOB,
    state         TEXT NOT NULL,
    reason        TEXT NOT NULL DEFAULT '',
    attempts      INTEGER NOT NULL DEFAULT 0,
    trace_id      TEXT NOT NULL,
    created_at    TIMESTAMP NOT NULL,
    expires_at    TIMESTAMP NOT NULL,
    next_at       TIMESTAMP,
    sending_since TIMESTAMP,
    finished_at   TIMESTAMP
);
CREATE UNIQUE INDEX deliveries_idem_key ON deliveries (idem_key);
CREATE INDEX deliveries_incident ON deliveries (incident_id);
CREATE INDEX deliveries_dead ON deliveries (tenant_id, id) WHERE state = 'dead';
CREATE INDEX deliveries_run ON deliveries (run_id) WHERE run_id IS NOT NULL;

-- Which further runs wait for a delivery: a second route that hits the same idem_key gets a row here and no delivery of its own.
CREATE TABLE delivery_routes (
    run_id        BLOB NOT NULL,
    delivery_id   BLOB NOT NULL,
    tenant_id     TEXT NOT NULL,
    definition_id BLOB NOT NULL,
    node          TEXT NOT NULL,
    PRIMARY KEY (run_id, delivery_id)
) WITHOUT ROWID;
CREATE INDEX delivery_routes_delivery ON delivery_routes (delivery_id);

-- What is sent, rendered once.
CREATE TABLE messages (
    id           BLOB PRIMARY KEY,
    tenant_id    TEXT NOT NULL,
    channel_id   BLOB NOT NULL,
    driver       TEXT NOT NULL,
    idem_key     TEXT NOT NULL,
    incident_id  BLOB,
    severity     TEXT NOT NULL,
    title        TEXT NOT NULL,
    encoding     INTEGER NOT NULL,
    body         BLOB NOT NULL,
    provider_ref TEXT NOT NULL DEFAULT '',
    created_at   TIMESTAMP NOT NULL,
    read_at      TIMESTAMP
);
CREATE INDEX messages_channel ON messages (channel_id, id);

CREATE TABLE message_attempts (
    message_id BLOB NOT NULL,
    n          INTEGER NOT NULL,
    tenant_id  TEXT NOT NULL,
    at         TIMESTAMP NOT NULL,
    status     INTEGER NOT NULL,
    latency_us INTEGER NOT NULL,
    verdict    TEXT NOT NULL,
    error      TEXT NOT NULL DEFAULT '',
    response   TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (message_id, n)
) WITHOUT ROWID;

-- Rolled-up ledger rows that pruning removed, so that the totals outlive them.
CREATE TABLE ledger_daily (
    tenant_id TEXT NOT NULL,
    day       TEXT NOT NULL,
    state     TEXT NOT NULL,
    reason    TEXT NOT NULL,
    n         INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, day, state, reason)
);

-- How far the hub's check of its own books has come: counted apart from the ledger, by receipts.
CREATE TABLE ledger_checks (
    tenant_id      TEXT PRIMARY KEY,
    checked_to     BLOB,
    deliveries_to  BLOB,
    settled        INTEGER NOT NULL DEFAULT 0,
    accepted       INTEGER NOT NULL,
    recorded       INTEGER NOT NULL,
    balanced       BOOLEAN NOT NULL,
    problem        TEXT NOT NULL DEFAULT '',
    checked_at     TIMESTAMP NOT NULL,
    pruned         INTEGER NOT NULL DEFAULT 0,  -- observations that pruning removed
    audit          TEXT NOT NULL DEFAULT '', -- what the last count of all of them found wrong
    audited_at     TIMESTAMP
);

-- What pruning removes: of the last time and of all times, rows by table. ended_at is NULL while it is at work, or was killed.
CREATE TABLE prunes (
    tenant_id TEXT PRIMARY KEY,
    began_at  TIMESTAMP NOT NULL,
    ended_at  TIMESTAMP,
    removed   TEXT NOT NULL,
    total     TEXT NOT NULL,
    problem   TEXT NOT NULL DEFAULT ''
);

INSERT INTO config_generation (id, generation) VALUES (1, 1);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE prunes;
DROP TABLE ledger_checks;
DROP TABLE ledger_daily;
DROP TABLE message_attempts;
DROP TABLE messages;
DROP TABLE delivery_routes;
DROP TABLE deliveries;
DROP TABLE incident_events;
DROP TABLE incidents;
DROP TABLE alert_history;
DROP TABLE alerts;
DROP TABLE run_slots;
DROP TABLE jobs;
DROP TABLE node_attempts;
DROP TABLE node_runs;
DROP TABLE runs;
DROP TABLE ledger;
DROP TABLE observations;
DROP TABLE receipt_bodies;
DROP TABLE receipts;
DROP TABLE sessions;
DROP TABLE api_keys;
DROP TABLE secrets;
DROP TABLE schedule_slots;
DROP TABLE definition_versions;
DROP TABLE definitions;
DROP TABLE channels;
DROP TABLE sources;
DROP TABLE config_generation;
-- +goose StatementEnd

-- +goose Up
-- +goose StatementBegin
-- Times are UTC. Ids are UUIDv7, so id order is time order and lists page by id. No foreign keys on the hot tables:
-- rows of one push are written in one transaction, and pruning goes by id range.

CREATE TABLE config_generation (
    id         bigint PRIMARY KEY CHECK (id = 1),
    generation bigint NOT NULL
);

CREATE TABLE sources (
    id          uuid PRIMARY KEY,
    tenant_id   text NOT NULL,
    name        text NOT NULL,
    driver      text NOT NULL DEFAULT '',
    source_name text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    group_by    jsonb NOT NULL DEFAULT '[]',
    key_prefix  text NOT NULL DEFAULT '',
    key_hash    text NOT NULL DEFAULT '',
    signature   text NOT NULL DEFAULT '',
    is_default  boolean NOT NULL DEFAULT false,
    is_active   boolean NOT NULL DEFAULT true,
    version     bigint NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX sources_name ON sources (tenant_id, name);
CREATE UNIQUE INDEX sources_default ON sources (tenant_id) WHERE is_default;
CREATE UNIQUE INDEX sources_key ON sources (key_hash) WHERE key_hash <> '';

CREATE TABLE channels (
    id           uuid PRIMARY KEY,
    tenant_id    text NOT NULL,
    name         text NOT NULL,
    driver       text NOT NULL,
    config       jsonb NOT NULL DEFAULT '{}',
    is_active    boolean NOT NULL DEFAULT true,
    description  text NOT NULL DEFAULT '',
    min_severity text NOT NULL DEFAULT '',
    version      bigint NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE UNIQUE INDEX channels_name ON channels (tenant_id, name);

CREATE TABLE definitions (
    id          uuid PRIMARY KEY,
    tenant_id   text NOT NULL,
    name        text NOT NULL,
    description text NOT NULL DEFAULT '',
    version     bigint NOT NULL DEFAULT 1,
    config      jsonb NOT NULL,
    tags        jsonb NOT NULL DEFAULT '[]',
    is_active   boolean NOT NULL DEFAULT true,
    created_by  text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    deleted_at  timestamptz
);
CREATE UNIQUE INDEX definitions_name ON definitions (tenant_id, name) WHERE deleted_at IS NULL;

CREATE TABLE definition_versions (
    definition_id uuid NOT NULL,
    version       bigint NOT NULL,
    tenant_id     text NOT NULL,
    config        jsonb NOT NULL,
    created_by    text NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (definition_id, version)
);

-- The times at which schedules fired, each with its run; without a run: a time that nothing before it is fired for.
CREATE TABLE schedule_slots (
    definition_id uuid NOT NULL,
    slot          timestamptz NOT NULL,
    tenant_id     text NOT NULL,
    run_id        uuid,
    fired_at      timestamptz NOT NULL,
    PRIMARY KEY (definition_id, slot)
);

-- Secret values of any row, sealed; the prefix check keeps plain text out whatever the code does.
CREATE TABLE secrets (
    tenant_id  text NOT NULL,
    owner      text NOT NULL,
    owner_id   uuid NOT NULL,
    field      text NOT NULL,
    value      text NOT NULL CHECK (value LIKE 'v1:%'),
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (owner, owner_id, field)
);

CREATE TABLE api_keys (
    id                uuid PRIMARY KEY,
    tenant_id         text NOT NULL,
    name              text NOT NULL,
    key_prefix        text NOT NULL,
    key_hash          text NOT NULL,
    scopes            jsonb NOT NULL DEFAULT '[]',
    allowed_endpoints jsonb NOT NULL DEFAULT '[]',
    is_active         boolean NOT NULL DEFAULT true,
    created_at        timestamptz NOT NULL,
    expires_at        timestamptz,
    last_used_at      timestamptz
);
CREATE UNIQUE INDEX api_keys_name ON api_keys (tenant_id, name);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (key_hash);

CREATE TABLE sessions (
    token     text PRIMARY KEY,
    tenant_id text NOT NULL,
    data      bytea NOT NULL,
    expiry    timestamptz NOT NULL
);
CREATE INDEX sessions_expiry ON sessions (expiry);

-- From here on: documents of the hot path are text. Nothing looks into them here, and parsing each on its way in costs as much as an index.
CREATE TABLE receipts (
    id           uuid PRIMARY KEY,
    tenant_id    text NOT NULL,
    source_id    uuid NOT NULL,
    driver       text NOT NULL,
    delivery_key text,
    trace_id     text NOT NULL,
    origin       text NOT NULL,
    outcome      text NOT NULL,
    reason       text NOT NULL DEFAULT '',
    n            bigint NOT NULL,
    truncated    bigint NOT NULL DEFAULT 0,
    headers      text NOT NULL DEFAULT '{}',
    result       text,
    reprocess_of uuid,
    received_at  timestamptz NOT NULL,
    folded_at    timestamptz
);
CREATE INDEX receipts_odd ON receipts (tenant_id, id) WHERE outcome <> 'queued';
CREATE UNIQUE INDEX receipts_delivery_key ON receipts (tenant_id, source_id, delivery_key) WHERE delivery_key IS NOT NULL;

CREATE TABLE receipt_bodies (
    receipt_id uuid PRIMARY KEY,
    tenant_id  text NOT NULL,
    encoding   bigint NOT NULL,
    body       bytea NOT NULL
);
ALTER TABLE receipt_bodies ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE observations (
    seq              bigint GENERATED ALWAYS AS IDENTITY,
    receipt_id       uuid NOT NULL,
    idx              bigint NOT NULL,
    tenant_id        text NOT NULL,
    source_id        uuid NOT NULL,
    source           text NOT NULL,
    fingerprint      text NOT NULL,
    name             text NOT NULL,
    status           text NOT NULL,
    severity         text NOT NULL,
    passive          boolean NOT NULL,
    group_key        text NOT NULL,
    vendor_group_key text NOT NULL,
    description      text NOT NULL,
    labels           text NOT NULL,
    annotations      text NOT NULL,
    started_at       timestamptz,
    ended_at         timestamptz,
    rejected         text NOT NULL DEFAULT '',
    PRIMARY KEY (receipt_id, idx)
);

-- What became of each observation on each route; definition_id is the nil UUID where no definition took it.
CREATE TABLE ledger (
    receipt_id    uuid NOT NULL,
    idx           bigint NOT NULL,
    definition_id uuid NOT NULL,
    tenant_id     text NOT NULL,
    run_id        uuid,
    incident_id   uuid,
    alert_id      uuid,
    state         text NOT NULL,
    reason        text NOT NULL DEFAULT '',
    trace         text NOT NULL,
    created_at    timestamptz NOT NULL,
    settled_at    timestamptz,
    PRIMARY KEY (receipt_id, idx, definition_id)
);
CREATE INDEX ledger_open ON ledger (tenant_id, receipt_id) WHERE state IN ('pending', 'dead');

CREATE TABLE runs (
    id                 uuid PRIMARY KEY,
    tenant_id          text NOT NULL,
    trace_id           text NOT NULL,
    definition_id      uuid NOT NULL,
    definition_name    text NOT NULL,
    definition_version bigint NOT NULL,
    receipt_id         uuid,
    parent_run_id      uuid,
    incident_id        uuid,
    event_seq          bigint NOT NULL DEFAULT 0,
    event_kind         text NOT NULL DEFAULT '',
    state              text NOT NULL,
    status             text NOT NULL,
    current_node       text NOT NULL DEFAULT '',
    source             text NOT NULL,
    alert_fingerprint  text NOT NULL DEFAULT '',
    environment        text NOT NULL,
    origin             text NOT NULL,
    total_attempts     bigint NOT NULL DEFAULT 1,
    error_type         text NOT NULL DEFAULT '',
    error_message      text NOT NULL DEFAULT '',
    error_retryable    boolean NOT NULL DEFAULT false,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    started_at         timestamptz,
    finished_at        timestamptz
);
CREATE INDEX runs_failed ON runs (tenant_id, id) WHERE state = 'failed';
CREATE INDEX runs_incident ON runs (incident_id) WHERE incident_id IS NOT NULL;

-- Where each node of a run stands now, with its last execution; node_attempts keeps those before it.
CREATE TABLE node_runs (
    run_id      uuid NOT NULL,
    node        text NOT NULL,
    tenant_id   text NOT NULL,
    type        text NOT NULL,
    state       text NOT NULL,
    attempt     bigint NOT NULL,
    failures    bigint NOT NULL DEFAULT 0,
    rescues     bigint NOT NULL DEFAULT 0,
    has_errors  boolean NOT NULL DEFAULT false,
    reason      text NOT NULL DEFAULT '',
    choice      text NOT NULL DEFAULT '',
    detail      text,
    input       text,
    output      text,
    error_type  text NOT NULL DEFAULT '',
    error       text NOT NULL DEFAULT '',
    retryable   boolean NOT NULL DEFAULT false,
    started_at  timestamptz,
    duration_us bigint NOT NULL DEFAULT 0,
    finished_at timestamptz,
    pruned      boolean NOT NULL DEFAULT false, -- input and output were there and are not kept any more
    PRIMARY KEY (run_id, node)
);

CREATE TABLE node_attempts (
    run_id      uuid NOT NULL,
    node        text NOT NULL,
    attempt     bigint NOT NULL,
    tenant_id   text NOT NULL,
    state       text NOT NULL,
    input       text,
    error_type  text NOT NULL DEFAULT '',
    error       text NOT NULL DEFAULT '',
    retryable   boolean NOT NULL DEFAULT false,
    started_at  timestamptz NOT NULL,
    duration_us bigint NOT NULL DEFAULT 0,
    pruned      boolean NOT NULL DEFAULT false,
    PRIMARY KEY (run_id, node, attempt)
);

-- The queue. due_at is the time to start while waiting and the end of the lease while held; finished rows are deleted.
CREATE TABLE jobs (
    kind        text NOT NULL,
    ref         uuid NOT NULL,
    node        text NOT NULL DEFAULT '',
    tenant_id   text NOT NULL,
    queue       text NOT NULL,
    attempt     bigint NOT NULL DEFAULT 0,
    failures    bigint NOT NULL DEFAULT 0,
    rescues     bigint NOT NULL DEFAULT 0,
    due_at      timestamptz NOT NULL,
    lease_token uuid,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (kind, ref, node)
);
CREATE INDEX jobs_due ON jobs (queue, due_at);

-- Runs of definitions with max_concurrency: those that work on slow nodes (held), and those that wait for their turn.
CREATE TABLE run_slots (
    definition_id uuid NOT NULL,
    run_id        uuid NOT NULL,
    tenant_id     text NOT NULL,
    held          boolean NOT NULL,
    PRIMARY KEY (definition_id, run_id)
);

CREATE TABLE alerts (
    id               uuid PRIMARY KEY,
    tenant_id        text NOT NULL,
    source           text NOT NULL,
    fingerprint      text NOT NULL,
    name             text NOT NULL,
    severity         text NOT NULL,
    status           text NOT NULL,
    description      text NOT NULL,
    labels           text NOT NULL,
    annotations      text NOT NULL,
    group_key        text NOT NULL,
    vendor_group_key text NOT NULL,
    context_key      text NOT NULL DEFAULT '',
    incident_id      uuid,
    receipt_id       uuid,
    trace_id         text NOT NULL,
    last_seq         bigint NOT NULL,
    occurrences      bigint NOT NULL,
    started_at       timestamptz NOT NULL,
    ended_at         timestamptz,
    received_at      timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL
);
CREATE UNIQUE INDEX alerts_key ON alerts (tenant_id, source, fingerprint);
CREATE INDEX alerts_incident ON alerts (incident_id);
CREATE INDEX alerts_firing ON alerts (tenant_id, id) WHERE status = 'firing';

CREATE TABLE alert_history (
    alert_id    uuid NOT NULL,
    id          uuid NOT NULL,
    tenant_id   text NOT NULL,
    incident_id uuid,
    receipt_id  uuid,
    idx         bigint NOT NULL DEFAULT 0,
    event       text NOT NULL,
    old_status  text NOT NULL,
    new_status  text NOT NULL,
    details     text NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (alert_id, id)
);

CREATE TABLE incidents (
    id              uuid PRIMARY KEY,
    tenant_id       text NOT NULL,
    group_key       text NOT NULL,
    title           text NOT NULL,
    description     text NOT NULL,
    summary         text NOT NULL DEFAULT '',
    status          text NOT NULL,
    severity        text NOT NULL,
    metadata        text NOT NULL DEFAULT '{}',
    event_seq       bigint NOT NULL,
    version         bigint NOT NULL DEFAULT 1,
    trace_id        text NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    acknowledged_at timestamptz,
    resolved_at     timestamptz,
    closed_at       timestamptz
);
CREATE UNIQUE INDEX incidents_open ON incidents (group_key, tenant_id) WHERE status IN ('open', 'acknowledged');
CREATE INDEX incidents_status ON incidents (tenant_id, status, id);

CREATE TABLE incident_events (
    incident_id uuid NOT NULL,
    seq         bigint NOT NULL,
    tenant_id   text NOT NULL,
    kind        text NOT NULL,
    actor       text NOT NULL DEFAULT '',
    details     text NOT NULL,
    trace_id    text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (incident_id, seq)
);

-- What must be told: one row per (incident, event, step, channel), which is what idem_key spells. run_id is the run that made it, NULL
-- where none waits for it.
CREATE TABLE deliveries (
    id            uuid PRIMARY KEY,
    tenant_id     text NOT NULL,
    idem_key      text NOT NULL,
    incident_id   uuid,
    run_id        uuid,
    definition_id uuid,
    node          text NOT NULL DEFAULT '',
    event_seq     bigint NOT NULL,
    step          bigint NOT NULL,
    channel_id    uuid NOT NULL,
    kind          text NOT NULL,
    severity      text NOT NULL,
    message_id    uuid,
    state         text NOT NULL,
    reason        text NOT NULL DEFAULT '',
    attempts      bigint NOT NULL DEFAULT 0,
    trace_id      text NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    next_at       timestamptz,
    sending_since timestamptz,
    finished_at   timestamptz
);
CREATE UNIQUE INDEX deliveries_idem_key ON deliveries (idem_key);
CREATE INDEX deliveries_incident ON deliveries (incident_id);
CREATE INDEX deliveries_dead ON deliveries (tenant_id, id) WHERE state = 'dead';
CREATE INDEX deliveries_run ON deliveries (run_id) WHERE run_id IS NOT NULL;

-- Which further runs wait for a delivery: a second route that hits the same idem_key gets a row here and no delivery of its own.
CREATE TABLE delivery_routes (
    run_id        uuid NOT NULL,
    delivery_id   uuid NOT NULL,
    tenant_id     text NOT NULL,
    definition_id uuid NOT NULL,
    node          text NOT NULL,
    PRIMARY KEY (run_id, delivery_id)
);
CREATE INDEX delivery_routes_delivery ON delivery_routes (delivery_id);

-- What is sent, rendered once.
CREATE TABLE messages (
    id           uuid PRIMARY KEY,
    tenant_id    text NOT NULL,
    channel_id   uuid NOT NULL,
    driver       text NOT NULL,
    idem_key     text NOT NULL,
    incident_id  uuid,
    severity     text NOT NULL,
    title        text NOT NULL,
    encoding     bigint NOT NULL,
    body         bytea NOT NULL,
    provider_ref text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL,
    read_at      timestamptz
);
CREATE INDEX messages_channel ON messages (channel_id, id);
-- Bodies are the largest documents; lz4 costs a fraction of pglz. A server built without it keeps pglz.
DO $$ BEGIN
    EXECUTE 'ALTER TABLE messages ALTER COLUMN body SET COMPRESSION lz4';
EXCEPTION WHEN OTHERS THEN NULL;
END $$;

CREATE TABLE message_attempts (
    message_id uuid NOT NULL,
    n          bigint NOT NULL,
    tenant_id  text NOT NULL,
    at         timestamptz NOT NULL,
    status     bigint NOT NULL,
    latency_us bigint NOT NULL,
    verdict    text NOT NULL,
    error      text NOT NULL DEFAULT '',
    response   text NOT NULL DEFAULT '',
    PRIMARY KEY (message_id, n)
);

-- Rolled-up ledger rows that pruning removed, so that the totals outlive them.
CREATE TABLE ledger_daily (
    tenant_id text NOT NULL,
    day       text NOT NULL,
    state     text NOT NULL,
    reason    text NOT NULL,
    n         bigint NOT NULL,
    PRIMARY KEY (tenant_id, day, state, reason)
);

-- How far the hub's check of its own books has come: counted apart from the ledger, by receipts.
CREATE TABLE ledger_checks (
    tenant_id      text PRIMARY KEY,
    checked_to     uuid,
    deliveries_to  uuid,
    settled        bigint NOT NULL DEFAULT 0,
    accepted       bigint NOT NULL,
    recorded       bigint NOT NULL,
    balanced       boolean NOT NULL,
    problem        text NOT NULL DEFAULT '',
    checked_at     timestamptz NOT NULL,
    pruned         bigint NOT NULL DEFAULT 0,  -- observations that pruning removed
    audit          text NOT NULL DEFAULT '', -- what the last count of all of them found wrong
    audited_at     timestamptz
);

-- What pruning removes: of the last time and of all times, rows by table. ended_at is NULL while it is at work, or was killed.
CREATE TABLE prunes (
    tenant_id text PRIMARY KEY,
    began_at  timestamptz NOT NULL,
    ended_at  timestamptz,
    removed   jsonb NOT NULL,
    total     jsonb NOT NULL,
    problem   text NOT NULL DEFAULT ''
);

INSERT INTO config_generation (id, generation) VALUES (1, 1);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE prunes, ledger_checks, ledger_daily, message_attempts, messages, delivery_routes, deliveries, incident_events, incidents,
    alert_history, alerts, run_slots, jobs, node_attempts, node_runs, runs, ledger, observations, receipt_bodies, receipts,
    sessions, api_keys, secrets, schedule_slots, definition_versions, definitions, channels, sources, config_generation;
-- +goose StatementEnd

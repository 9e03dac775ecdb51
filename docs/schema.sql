-- The schema of the store, version 15, as SQLite keeps it.
-- Written by `turnpike docs --write docs` from Sources/Seams/Database/Schema; do not edit.
--
-- Times are milliseconds since 1970 UTC. Booleans are 0 or 1. allowed_models, allowed_routes, key_ids and
-- details are JSON. Columns named enc_* hold sealed bytes.

CREATE TABLE agents (
    id TEXT NOT NULL PRIMARY KEY,
    agent_id TEXT NOT NULL,
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    profile TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (group_id, agent_id)
) STRICT;

CREATE INDEX agents_by_age ON agents (created_at, id);

CREATE TABLE audit_head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    key_id TEXT NOT NULL,
    mac BLOB NOT NULL
) STRICT;

CREATE TABLE audit_log (
    seq INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    actor_group TEXT,
    action TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    group_id TEXT,
    outcome TEXT NOT NULL,
    request_id TEXT,
    details TEXT NOT NULL,
    prev_hash BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE INDEX audit_log_by_group ON audit_log (group_id, seq);

CREATE TABLE budgets (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    group_id TEXT REFERENCES groups (id) ON DELETE CASCADE,
    scope_group TEXT,
    scope_user TEXT,
    scope_key TEXT,
    scope_agent TEXT,
    scope_model TEXT,
    unit TEXT NOT NULL CHECK (unit IN ('money', 'requests', 'tokens')),
    amount INTEGER NOT NULL CHECK (amount >= 0),
    renews TEXT NOT NULL CHECK (renews IN ('day', 'week', 'month', 'total')),
    mode TEXT NOT NULL CHECK (mode IN ('hard', 'soft')),
    alerts TEXT NOT NULL,
    managed_by TEXT NOT NULL CHECK (managed_by IN ('system', 'group')),
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK (group_id IS NULL OR (scope_group IS NOT NULL AND scope_group = group_id)),
    CHECK (group_id IS NOT NULL OR managed_by = 'system')
) STRICT;

CREATE INDEX budgets_by_age ON budgets (created_at, id);

CREATE UNIQUE INDEX budgets_of_groups ON budgets (group_id, name) WHERE group_id IS NOT NULL;

CREATE UNIQUE INDEX budgets_of_nobody ON budgets (name) WHERE group_id IS NULL;

CREATE TABLE credentials (
    id TEXT NOT NULL PRIMARY KEY,
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    enc_key BLOB NOT NULL,
    key_id TEXT NOT NULL,
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    key_hint TEXT NOT NULL,
    rejected_at INTEGER,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;

CREATE INDEX credentials_by_age ON credentials (group_id, created_at, id);

CREATE INDEX credentials_by_key ON credentials (key_id, id);

CREATE UNIQUE INDEX credentials_one_active ON credentials (group_id, provider) WHERE is_active = 1;

CREATE TABLE event_cursors (
    topic TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT;

CREATE TABLE gateway_keys (
    id TEXT NOT NULL PRIMARY KEY,
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    user_id TEXT,
    agent_id TEXT,
    scopes TEXT NOT NULL,
    allowed_models TEXT,
    allowed_routes TEXT,
    expires_at INTEGER,
    revoked_at INTEGER,
    replaced_by TEXT,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    FOREIGN KEY (user_id, group_id) REFERENCES users (id, group_id) ON DELETE CASCADE,
    CHECK (user_id IS NULL OR agent_id IS NULL)
) STRICT;

CREATE INDEX gateway_keys_by_age ON gateway_keys (group_id, created_at, id);

CREATE INDEX gateway_keys_by_user ON gateway_keys (user_id, group_id);

CREATE TABLE groups (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX groups_by_age ON groups (created_at, id);

CREATE TABLE idempotency (
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    holder TEXT NOT NULL,
    key TEXT NOT NULL,
    claim TEXT NOT NULL,
    digest BLOB NOT NULL,
    request_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'answered', 'unkept', 'interrupted')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    answer BLOB,
    PRIMARY KEY (group_id, holder, key),
    CHECK ((state = 'answered') = (answer IS NOT NULL))
) STRICT;

CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

CREATE INDEX idempotency_running ON idempotency (epoch) WHERE state = 'running';

CREATE TABLE instances (
    id TEXT NOT NULL PRIMARY KEY,
    seen_at INTEGER NOT NULL,
    version TEXT NOT NULL,
    key_ids TEXT NOT NULL
) STRICT;

CREATE TABLE journal_cursors (
    epoch INTEGER NOT NULL PRIMARY KEY,
    segment INTEGER NOT NULL,
    byte_offset INTEGER NOT NULL
) STRICT;

CREATE TABLE key_ring (
    key_id TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('active', 'decrypt_only', 'retired', 'destroyed')),
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX key_ring_one_active ON key_ring (state) WHERE state = 'active';

CREATE TABLE ledger (
    seq INTEGER NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('attempt', 'correction')),
    attempt_id INTEGER,
    corrects INTEGER,
    request_id TEXT NOT NULL,
    first_attempt INTEGER,
    number INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    group_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    model TEXT NOT NULL,
    operation TEXT NOT NULL,
    provider TEXT NOT NULL,
    upstream_model TEXT NOT NULL,
    credential_id TEXT NOT NULL,
    variant TEXT NOT NULL,
    is_stream INTEGER NOT NULL CHECK (is_stream IN (0, 1)),
    input_estimate INTEGER NOT NULL,
    output_max INTEGER,
    reserved INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    usage_source TEXT NOT NULL,
    upstream_status INTEGER NOT NULL,
    code TEXT NOT NULL,
    first_content_ms INTEGER,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cached_input_tokens INTEGER,
    cache_write_tokens INTEGER,
    reasoning_tokens INTEGER,
    audio_input_tokens INTEGER,
    audio_output_tokens INTEGER,
    images INTEGER,
    reported_cost INTEGER,
    cost INTEGER NOT NULL,
    charged INTEGER NOT NULL,
    is_charged INTEGER NOT NULL CHECK (is_charged IN (0, 1)),
    rates TEXT NOT NULL,
    metadata TEXT NOT NULL,
    hash BLOB NOT NULL, cache_write_long_tokens INTEGER, characters INTEGER, sound_ms INTEGER, searches INTEGER,
    CHECK ((kind = 'attempt') = (attempt_id IS NOT NULL)),
    CHECK ((kind = 'correction') = (corrects IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX ledger_attempts ON ledger (attempt_id);

CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'rows of this table are never changed or deleted'); END;

CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'rows of this table are never changed or deleted'); END;

CREATE TABLE ledger_head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE meter_epochs (
    epoch INTEGER NOT NULL PRIMARY KEY,
    instance TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;

CREATE TABLE responses (
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    items BLOB NOT NULL,
    response BLOB NOT NULL,
    PRIMARY KEY (group_id, id)
) STRICT;

CREATE INDEX responses_by_expiry ON responses (expires_at);

CREATE TABLE rotation (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    stage TEXT NOT NULL,
    old_key_id TEXT NOT NULL,
    new_key_id TEXT NOT NULL,
    cursor TEXT,
    counted INTEGER NOT NULL,
    resealed INTEGER NOT NULL,
    backup_path TEXT,
    backup_digest TEXT,
    started_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    lease_holder TEXT,
    lease_until INTEGER
) STRICT;

CREATE TABLE schema_version (
    version INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;

CREATE TABLE session_messages (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL CHECK (seq >= 1),
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
    status TEXT NOT NULL CHECK (status IN ('running', 'complete', 'cut', 'failed')),
    epoch INTEGER,
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    request_id TEXT NOT NULL,
    model TEXT,
    provider TEXT,
    finish TEXT,
    usage TEXT,
    cost INTEGER,
    error TEXT,
    left_out TEXT,
    tokens INTEGER NOT NULL CHECK (tokens >= 0),
    bytes INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (session_id, seq),
    CHECK ((status = 'running') = (epoch IS NOT NULL)),
    CHECK (status <> 'running' OR role = 'assistant')
) STRICT;

CREATE INDEX session_messages_running ON session_messages (epoch) WHERE status = 'running';

CREATE INDEX session_messages_under_way ON session_messages (session_id) WHERE status = 'running';

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    user_id TEXT,
    key_id TEXT,
    agent_id TEXT,
    model TEXT,
    system TEXT,
    title TEXT NOT NULL,
    history TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_used_at INTEGER,
    deleted_at INTEGER,
    next_seq INTEGER NOT NULL CHECK (next_seq >= 1),
    tokens INTEGER NOT NULL CHECK (tokens >= 0),
    summary TEXT,
    summary_through INTEGER,
    forked_from TEXT,
    forked_seq INTEGER,
    CHECK ((user_id IS NULL) <> (key_id IS NULL)),
    CHECK ((summary IS NULL) = (summary_through IS NULL)),
    CHECK ((forked_from IS NULL) = (forked_seq IS NULL))
) STRICT;

CREATE INDEX sessions_by_age ON sessions (group_id, created_at, id);

CREATE INDEX sessions_going ON sessions (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE INDEX sessions_of_keys ON sessions (group_id, key_id, created_at, id) WHERE key_id IS NOT NULL;

CREATE INDEX sessions_of_users ON sessions (group_id, user_id, created_at, id) WHERE user_id IS NOT NULL;

CREATE TABLE shadow_answers (
    id TEXT NOT NULL PRIMARY KEY,
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    alias TEXT NOT NULL,
    request_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    operation TEXT NOT NULL,
    is_stream INTEGER NOT NULL CHECK (is_stream IN (0, 1)),
    likeness INTEGER CHECK (likeness BETWEEN 0 AND 1000),
    client TEXT NOT NULL,
    shadow TEXT NOT NULL,
    client_answer BLOB NOT NULL,
    shadow_answer BLOB NOT NULL
) STRICT;

CREATE INDEX shadow_answers_by_alias ON shadow_answers (alias, created_at, id);

CREATE INDEX shadow_answers_by_group ON shadow_answers (group_id, created_at, id);

CREATE TABLE store_revision (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL
) STRICT;

CREATE TABLE task_numbers (
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    owner_kind TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (group_id, owner_kind, owner_id)
) STRICT;

CREATE TABLE tasks (
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    owner_kind TEXT NOT NULL CHECK (owner_kind IN ('user', 'key')),
    owner_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    notes TEXT NOT NULL,
    due TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    completed_at INTEGER,
    PRIMARY KEY (group_id, owner_kind, owner_id, number)
) STRICT;

CREATE TABLE tool_pins (
    server TEXT NOT NULL,
    tool TEXT NOT NULL,
    digest TEXT NOT NULL,
    approved_by TEXT NOT NULL,
    approved_at INTEGER NOT NULL,
    PRIMARY KEY (server, tool)
) STRICT;

CREATE TABLE usage_hours (
    hour INTEGER NOT NULL,
    group_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    model TEXT NOT NULL,
    operation TEXT NOT NULL,
    provider TEXT NOT NULL,
    upstream_model TEXT NOT NULL,
    credential_id TEXT NOT NULL,
    variant TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    ok INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    charged_calls INTEGER NOT NULL,
    charged_tokens INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    audio_input_tokens INTEGER NOT NULL,
    audio_output_tokens INTEGER NOT NULL,
    images INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    charged INTEGER NOT NULL,
    source_provider INTEGER NOT NULL,
    source_partial INTEGER NOT NULL,
    source_estimated INTEGER NOT NULL,
    source_none INTEGER NOT NULL,
    min_seq INTEGER NOT NULL,
    max_seq INTEGER NOT NULL, cache_write_long_tokens INTEGER NOT NULL DEFAULT 0, characters INTEGER NOT NULL DEFAULT 0, sound_ms INTEGER NOT NULL DEFAULT 0, searches INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (hour, group_id, user_id, key_id, agent_id, model, operation, provider, upstream_model,
        credential_id, variant)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id TEXT NOT NULL,
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    email TEXT,
    role TEXT NOT NULL CHECK (role IN ('system_admin', 'group_admin', 'member')),
    issuer TEXT,
    subject TEXT,
    disabled_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (issuer, subject),
    UNIQUE (id, group_id),
    PRIMARY KEY (id),
    CHECK ((issuer IS NULL) = (subject IS NULL))
) STRICT;

CREATE INDEX users_by_age ON users (group_id, created_at, id);

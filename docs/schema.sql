-- The schema of the store, version 5, as SQLite keeps it.
-- Written by `turnpike docs --write docs` from Sources/Seams/Database/Schema; do not edit.
--
-- Times are milliseconds since 1970 UTC. Booleans are 0 or 1. allowed_models, allowed_routes, key_ids and
-- details are JSON. Columns named enc_* hold sealed bytes.

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

CREATE TABLE instances (
    id TEXT NOT NULL PRIMARY KEY,
    seen_at INTEGER NOT NULL,
    version TEXT NOT NULL,
    key_ids TEXT NOT NULL
) STRICT;

CREATE TABLE key_ring (
    key_id TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('active', 'decrypt_only', 'retired', 'destroyed')),
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX key_ring_one_active ON key_ring (state) WHERE state = 'active';

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

CREATE TABLE store_revision (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL
) STRICT;

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

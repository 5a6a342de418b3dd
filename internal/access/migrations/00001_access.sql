-- +goose Up
CREATE TABLE access_tokens (
    id TEXT PRIMARY KEY,
    sum TEXT NOT NULL,
    name TEXT NOT NULL,
    account TEXT NOT NULL,
    person TEXT NOT NULL,
    roles TEXT NOT NULL,
    scope TEXT NOT NULL,
    sources TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL DEFAULT 0,
    revoked_at BIGINT NOT NULL DEFAULT 0,
    revoked_by TEXT NOT NULL DEFAULT ''
);
CREATE TABLE access_sessions (
    sum TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    via TEXT NOT NULL,
    person TEXT NOT NULL,
    email TEXT NOT NULL,
    grps TEXT NOT NULL,
    token TEXT NOT NULL,
    id_token TEXT NOT NULL,
    csrf TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_sessions_account ON access_sessions (account);
CREATE TABLE access_logins (
    sum TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    nonce TEXT NOT NULL,
    verifier TEXT NOT NULL,
    return_to TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE TABLE access_links (
    sum TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    person TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE TABLE access_failures (
    who TEXT PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL
);

-- +goose Up
CREATE TABLE notify_state (
    id BIGINT PRIMARY KEY,
    size BIGINT NOT NULL,
    root TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE TABLE notify_known (
    topic TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (topic, id)
);
CREATE TABLE notify_pending (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    recipient TEXT NOT NULL,
    ready BIGINT NOT NULL,
    at BIGINT NOT NULL,
    first BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX notify_pending_order ON notify_pending (channel, recipient, id);
CREATE TABLE notify_outbox (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    recipient TEXT NOT NULL,
    changes BIGINT NOT NULL,
    created BIGINT NOT NULL,
    next BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    state TEXT NOT NULL,
    lease_by TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    error TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX notify_outbox_state ON notify_outbox (channel, state, next);
CREATE TABLE notify_channel (
    name TEXT PRIMARY KEY,
    touched BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    error TEXT NOT NULL,
    error_at BIGINT NOT NULL,
    sent_at BIGINT NOT NULL
);

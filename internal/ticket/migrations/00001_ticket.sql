-- +goose Up
CREATE TABLE ticket (
    tracker TEXT NOT NULL,
    finding TEXT NOT NULL,
    ticket_key TEXT NOT NULL,
    url TEXT NOT NULL,
    state TEXT NOT NULL,
    intent BIGINT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    turn BIGINT NOT NULL,
    digest TEXT NOT NULL,
    facts TEXT NOT NULL,
    said TEXT NOT NULL,
    saying TEXT NOT NULL,
    saying_at BIGINT NOT NULL,
    setting TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (tracker, finding)
);
CREATE TABLE ticket_tracker (
    name TEXT PRIMARY KEY,
    lease_by TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    listed BIGINT NOT NULL,
    synced BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    error TEXT NOT NULL,
    waiting BIGINT NOT NULL
);

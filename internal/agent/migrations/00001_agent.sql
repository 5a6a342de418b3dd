-- +goose Up
-- Times are milliseconds since 1970, 0 for never.
CREATE TABLE agent_schedule (
	source         TEXT PRIMARY KEY,
	definition     TEXT NOT NULL,
	active         BIGINT NOT NULL,
	priority       BIGINT NOT NULL,
	next_due       BIGINT NOT NULL,
	next_at        BIGINT NOT NULL,
	ticked_to      BIGINT NOT NULL,
	judge_due      BIGINT NOT NULL,
	judge_at       BIGINT NOT NULL,
	paused_by      TEXT NOT NULL DEFAULT '',
	paused_because TEXT NOT NULL DEFAULT '',
	paused_at      BIGINT NOT NULL DEFAULT 0,
	loaded_by      TEXT NOT NULL DEFAULT '',
	loaded_at      BIGINT NOT NULL DEFAULT 0
);

-- A row for each tick that a job was made for, or that a waiting job took in.
CREATE TABLE agent_tick (
	source TEXT NOT NULL,
	due    BIGINT NOT NULL,
	made   BIGINT NOT NULL,
	node   TEXT NOT NULL,
	job    BIGINT NOT NULL,
	shared BIGINT NOT NULL,
	PRIMARY KEY (source, due)
);

CREATE TABLE agent_run (
	id       TEXT PRIMARY KEY,
	job      BIGINT NOT NULL,
	source   TEXT NOT NULL,
	due      BIGINT NOT NULL,
	asked_by TEXT NOT NULL,
	node     TEXT NOT NULL,
	begun    BIGINT NOT NULL,
	ended    BIGINT NOT NULL,
	run      TEXT NOT NULL,
	status   TEXT NOT NULL,
	error    TEXT NOT NULL
);
CREATE INDEX agent_run_source ON agent_run (source, begun);

CREATE TABLE agent_node (
	node      TEXT PRIMARY KEY,
	host      TEXT NOT NULL,
	version   TEXT NOT NULL,
	config    TEXT NOT NULL,
	started   BIGINT NOT NULL,
	seen      BIGINT NOT NULL,
	skew      BIGINT NOT NULL
);

CREATE TABLE agent_missed (
	source   TEXT NOT NULL,
	first    BIGINT NOT NULL,
	last     BIGINT NOT NULL,
	count    BIGINT NOT NULL,
	noted    BIGINT NOT NULL,
	recorded BIGINT NOT NULL,
	PRIMARY KEY (source, first)
);

CREATE TABLE agent_lease (
	id     TEXT PRIMARY KEY,
	budget TEXT NOT NULL,
	source TEXT NOT NULL,
	node   TEXT NOT NULL,
	rate   DOUBLE PRECISION NOT NULL,
	since  BIGINT NOT NULL
);

-- One row for each budget, locked while its leases are counted.
CREATE TABLE agent_budget (
	name     TEXT PRIMARY KEY,
	requests BIGINT NOT NULL,
	per      BIGINT NOT NULL
);

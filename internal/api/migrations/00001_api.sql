-- +goose Up
CREATE TABLE api_pushes (
    id TEXT PRIMARY KEY,
    sum TEXT NOT NULL,
    answer TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX api_pushes_expires ON api_pushes (expires_at);

-- +goose Up
-- Who asked for a run while one was under way, and when: the next one is theirs.
ALTER TABLE agent_schedule ADD COLUMN again_by TEXT NOT NULL DEFAULT '';
ALTER TABLE agent_schedule ADD COLUMN again_at BIGINT NOT NULL DEFAULT 0;

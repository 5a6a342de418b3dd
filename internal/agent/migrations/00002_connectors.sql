-- +goose Up
ALTER TABLE agent_node ADD COLUMN connectors TEXT NOT NULL DEFAULT '{}';

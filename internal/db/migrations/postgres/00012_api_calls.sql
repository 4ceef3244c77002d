-- +goose Up
-- Calls of the API with an Idempotency-Key, and what was answered; docs/database.md.
create table api_calls (
  api_key         text collate "C" not null, -- the name of the key that called
  idempotency_key text collate "C" not null,
  digest          text not null, -- of method, path and body; SHA-256, hexadecimal
  lease_until     bigint not null, -- until then nobody else makes the call, ms
  made_at         bigint not null, -- ms
  answer          text,            -- JSON; null while there is no final one
  primary key (api_key, idempotency_key)
);
create index api_calls_made on api_calls (made_at);

-- +goose Up
-- Who gets events, and up to which one he was handed them; docs/database.md.
create table event_cursors (
  receiver text collate "C" primary key,
  after    bigint not null -- a sequence
);
-- What was handed over and is not delivered.
create table event_deliveries (
  receiver text collate "C" not null,
  event_id text collate "C" not null,
  sequence bigint not null,
  at       bigint not null,  -- of the event, ms
  due_at   bigint,           -- of the next try, ms; null when there is none
  tries    integer not null,
  unsure   integer not null, -- tries of which nobody knows what came of them, with the one under way
  problem  text,             -- of the last try
  primary key (receiver, event_id)
);
create index event_deliveries_due on event_deliveries (receiver, due_at) where due_at is not null;
create index event_deliveries_sequence on event_deliveries (sequence);

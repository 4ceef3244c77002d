-- +goose Up
-- Who signed in, or tried to, and who took an export; docs/database.md.
create table staff_log (
  position integer primary key autoincrement,
  at       integer not null, -- ms
  staff    text not null,    -- a member of the team; '' = a name that is none
  event    text not null,    -- sign_in, export
  outcome  text not null,
  detail   text not null
) strict;
create index staff_log_at on staff_log (at);

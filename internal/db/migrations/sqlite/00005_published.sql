-- +goose Up
-- Shop files and catalogues that were published; docs/database.md. Contents stand once, by
-- their hash.
create table published_contents (
  hash    text primary key, -- SHA-256, hexadecimal
  content blob not null
);
create table published (
  number       bigint primary key, -- counts from 1; the highest counts
  shop         text not null references published_contents (hash),
  catalog      text not null references published_contents (hash),
  published_at bigint not null,    -- milliseconds
  back_to      bigint              -- the version whose contents are published again; null for new ones
);
-- What a file that is named at start had when it was published, so that a process that
-- starts again brings nothing old back.
create table published_files (
  name text not null,
  hash text not null,
  primary key (name, hash)
);

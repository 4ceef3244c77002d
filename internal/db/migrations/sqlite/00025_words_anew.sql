-- +goose Up
-- Of which revision an order's words and columns are as this version makes them: erased orders keep words of their goods,
-- withdrawals have words, and what is to be sent is told otherwise where nobody said what is in a parcel. Not found_revision,
-- which processes of the version before write, too; docs/database.md.
alter table orders add column words_revision integer not null default -1;
create index orders_words_behind on orders (id) where words_revision <> revision;

-- +goose Up
-- SQLite has indexes here that PostgreSQL does not need.
select 1;

-- +goose Up
-- Erased orders keep words of their goods, withdrawals have words, and what is to be sent is told otherwise where nobody
-- said what is in a parcel: the book's loop makes these of each order anew.
update orders set found_revision = -1;

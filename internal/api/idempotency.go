package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/db"
)

const (
	answerLife = 24 * time.Hour   // how long an answer is kept
	callLease  = 30 * time.Second // how long a process that was killed keeps a repeat away
	sweepEvery = time.Minute
)

// Why a call with an Idempotency-Key is not made.
var (
	errReused   = errors.New("the key was used for another call")
	errUnderWay = errors.New("the same call is under way")
)

// answer is a final answer to a call.
type answer struct {
	Status int    `json:"status"`
	Type   string `json:"content_type"`
	Body   string `json:"body"`
}

// call is a call that is made once.
type call struct {
	db          *db.DB
	apiKey, key string
	lease       int64 // until when nobody else makes it, in ms
	madeAt      int64 // when it was first begun, in ms: a day later the same key is another call
}

// begin starts a call, or returns the answer that it had. A call whose process was killed
// begins again: what it does must be repeatable under the same key. The error is errReused,
// errUnderWay, or the database's.
func begin(ctx context.Context, d *db.DB, apiKey, key string, digest []byte, now time.Time) (c *call, had *answer, err error) {
	c = &call{d, apiKey, key, now.Add(callLease).UnixMilli(), now.UnixMilli()}
	err = d.Tx(ctx, func(tx *sql.Tx) error {
		had = nil
		// The row is locked first, so that of two callers one waits.
		made, err := tx.ExecContext(ctx, `insert into api_calls (api_key, idempotency_key, digest, lease_until, made_at) values ($1, $2, $3, $4, $5)
			on conflict (api_key, idempotency_key) do nothing`, apiKey, key, hex.EncodeToString(digest), c.lease, now.UnixMilli())
		if err != nil {
			return err
		}
		if n, err := made.RowsAffected(); err != nil || n > 0 {
			return err
		}
		// Whoever comes first takes over a call that was given up, or is too old to count.
		err = tx.QueryRowContext(ctx, `update api_calls set lease_until = $4, digest = $3, answer = null, made_at = case when made_at <= $6 then $5 else made_at end
			where api_key = $1 and idempotency_key = $2 and (made_at <= $6 or answer is null and lease_until <= $5 and digest = $3) returning made_at`,
			apiKey, key, hex.EncodeToString(digest), c.lease, now.UnixMilli(), now.Add(-answerLife).UnixMilli()).Scan(&c.madeAt)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var stored string
		var text sql.NullString
		if err := tx.QueryRowContext(ctx, "select digest, answer from api_calls where api_key = $1 and idempotency_key = $2", apiKey, key).Scan(&stored, &text); err != nil {
			return err
		}
		switch {
		case stored != hex.EncodeToString(digest):
			return errReused
		case !text.Valid:
			return errUnderWay
		}
		had = new(answer)
		return json.Unmarshal([]byte(text.String), had)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("begin call: %w", err)
	}
	return c, had, nil
}

// keep stores the final answer, in the transaction of what the call has done.
func (c *call) keep(ctx context.Context, tx *sql.Tx, a answer) error {
	text, err := json.Marshal(a)
	if err == nil {
		_, err = tx.ExecContext(ctx, "update api_calls set answer = $3 where api_key = $1 and idempotency_key = $2 and answer is null", c.apiKey, c.key, string(text))
	}
	if err != nil {
		return fmt.Errorf("keep answer: %w", err)
	}
	return nil
}

// giveUp lets the next one make the call at once: it has no final answer.
func (c *call) giveUp(ctx context.Context) error {
	_, err := c.db.Exec(ctx, "update api_calls set lease_until = 0 where api_key = $1 and idempotency_key = $2 and lease_until = $3 and answer is null", c.apiKey, c.key, c.lease)
	if err != nil {
		return fmt.Errorf("give up call: %w", err)
	}
	return nil
}

// isKey reports whether text may be an Idempotency-Key.
func isKey(text string) bool {
	for _, r := range []byte(text) {
		if r <= ' ' || r > '~' {
			return false
		}
	}
	return len(text) >= 1 && len(text) <= 64
}

// callOf is the key of a context's value: the *call under way.
type callOf struct{}

// once makes a call once for each Idempotency-Key of a key of the API. Not needed: the call
// itself says whether it needs one.
func (a *API) once(needed bool, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		if key == "" && !needed {
			next(w, r)
			return
		}
		if !isKey(key) {
			a.refuse(w, r, problem(http.StatusBadRequest, CodeKeyMissing, "The call needs an Idempotency-Key of 1 to 64 visible characters."))
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
		if err != nil {
			status := http.StatusBadRequest
			if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
				status = http.StatusRequestEntityTooLarge
			}
			a.refuse(w, r, ofHuma(status, nil))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		digest := sha256.New()
		_, _ = fmt.Fprintf(digest, "%s\n%s\n", r.Method, r.URL.RequestURI())
		_, _ = digest.Write(body)
		by, _ := r.Context().Value(keyOf{}).(Key)
		c, had, err := begin(r.Context(), a.DB, by.Name, key, digest.Sum(nil), time.Now())
		switch {
		case errors.Is(err, errReused):
			a.refuse(w, r, problem(http.StatusConflict, CodeKeyReused, "This Idempotency-Key was used for another call."))
		case errors.Is(err, errUnderWay):
			a.refuse(w, r, problem(http.StatusConflict, CodeInProgress, "The same call is under way.").after(retryAfter))
		case err != nil:
			a.Logger.ErrorContext(r.Context(), "call not begun", "error", err)
			a.refuse(w, r, unavailable())
		case had != nil:
			w.Header().Set("Idempotency-Replayed", "true")
			had.write(w)
		default:
			a.make(w, r.WithContext(context.WithValue(r.Context(), callOf{}, c)), c, next)
		}
	}
}

// make makes a call and keeps its answer, if it is final.
func (a *API) make(w http.ResponseWriter, r *http.Request, c *call, next http.HandlerFunc) {
	recorded := &recorder{header: w.Header()}
	ctx := context.WithoutCancel(r.Context())
	done := false
	defer func() {
		if done {
			return
		}
		if err := c.giveUp(ctx); err != nil {
			a.Logger.WarnContext(ctx, "a call cannot be repeated for a while", "error", err)
		}
	}()
	next(recorded, r)
	got := answer{recorded.status, w.Header().Get("Content-Type"), recorded.body.String()}
	if final(got.Status) && w.Header().Get("Retry-After") == "" {
		if err := a.DB.Tx(ctx, func(tx *sql.Tx) error { return c.keep(ctx, tx, got) }); err != nil {
			a.Logger.WarnContext(ctx, "an answer is not kept: it is made again from what was done", "error", err)
		} else {
			done = true
		}
	}
	got.write(w)
}

// final reports whether an answer is the last one to a call. A problem before the call
// came to be made is none: that of the limit, say; nor is one that Klarna has not answered.
func final(status int) bool {
	return status < http.StatusInternalServerError && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout && status != http.StatusAccepted
}

// write answers.
func (a answer) write(w http.ResponseWriter) {
	if a.Type != "" {
		w.Header().Set("Content-Type", a.Type)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body) // fails only when the caller has left
}

// recorder keeps an answer back.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

// Run deletes answers that are kept no longer, ends sessions that nobody touches and forgets
// those that ended long ago, until ctx ends.
func (a *API) Run(ctx context.Context) {
	for {
		if err := errors.Join(a.sweep(ctx, time.Now()), a.sweepCommands(ctx, time.Now()), a.sweepSessions(ctx, time.Now())); err != nil && ctx.Err() == nil {
			a.Logger.WarnContext(ctx, "old answers not deleted, or old sessions not ended", "error", err)
		}
		select {
		case <-time.After(sweepEvery):
		case <-ctx.Done():
			return
		}
	}
}

func (a *API) sweep(ctx context.Context, now time.Time) error {
	_, err := a.DB.Exec(ctx, "delete from api_calls where made_at <= $1", now.Add(-answerLife).UnixMilli())
	return err
}

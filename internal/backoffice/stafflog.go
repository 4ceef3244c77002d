package backoffice

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/stafflog"
	"github.com/shopd/shopd/web/templates"
)

const (
	logPath = "/admin/log"
	logRows = 200 // that are shown
)

// note writes what a member of staff does into log and audit. With an error it must not be
// done: the audit would not have it.
func (b *Backoffice) note(ctx context.Context, e stafflog.Entry) error {
	e.At = time.Now()
	b.Logger.LogAttrs(ctx, slog.LevelInfo, "staff: "+e.Event, slog.String("staff", e.Staff), slog.String("outcome", e.Outcome), slog.String("detail", e.Detail))
	return stafflog.Add(ctx, b.Book.DB, e)
}

// tried writes that somebody did not sign in. A name that is no member's is not written: people
// type passwords into that field, too. What costs an attacker nothing is in the log alone.
func (b *Backoffice) tried(ctx context.Context, name, outcome string) {
	if _, is := b.Team[name]; !is {
		name = ""
	}
	b.Logger.WarnContext(ctx, "staff: sign_in", "staff", name, "outcome", outcome)
	if outcome != wrongTry {
		return
	}
	e := stafflog.Entry{At: time.Now(), Staff: name, Event: stafflog.SignIn, Outcome: outcome}
	if err := stafflog.Add(ctx, b.Book.DB, e); err != nil {
		b.Logger.ErrorContext(ctx, "sign-in not in the audit", "error", err)
	}
}

// staffLog shows who signed in and who took exports.
func (b *Backoffice) staffLog(w http.ResponseWriter, r *http.Request) {
	entries, err := stafflog.Newest(r.Context(), b.Book.DB, logRows)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	events := map[string]string{stafflog.SignIn: "Sign-in", stafflog.Export: "Export"}
	var rows []templates.AdminLogRow
	for _, e := range entries {
		at := e.At.In(b.zone())
		rows = append(rows, templates.AdminLogRow{
			At: form.Day(at) + " " + form.Clock(at), Staff: e.Staff, What: events[e.Event], Outcome: form.UpperFirst(e.Outcome), Detail: e.Detail, Bad: e.Outcome == wrongTry,
		})
	}
	b.page(w, r, http.StatusOK, "Sign-ins and exports", navExports, templates.AdminLog(rows))
}

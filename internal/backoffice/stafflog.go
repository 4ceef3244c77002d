package backoffice

import (
	"context"
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

// exported writes into log and audit that a member of staff takes an export. With an error there must be
// none: the audit would not have it.
func (b *Backoffice) exported(ctx context.Context, detail string) error {
	name := staffOf(ctx).Name
	b.Logger.InfoContext(ctx, "staff: export", "staff", name, "detail", detail)
	return stafflog.Add(ctx, b.Book.DB, stafflog.Entry{At: time.Now(), Staff: name, Event: stafflog.Export, Outcome: "begun", Detail: detail})
}

// tried writes into log and audit what came of a try to sign in. A name that is no member's is not written:
// people type passwords into that field, too. What costs an attacker nothing is in the log alone; so is what
// the database does not take: nobody is kept out for that.
func (b *Backoffice) tried(ctx context.Context, name, outcome string) {
	if _, is := b.Team()[name]; !is {
		name = ""
	}
	b.Logger.InfoContext(ctx, "staff: sign_in", "staff", name, "outcome", outcome)
	if outcome != wrongTry && outcome != signedIn {
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

package doctor_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/doctor"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// rights are the statements that docs/operations.md gives the owner of the tables.
var rights = regexp.MustCompile(`(?m)^    ((?:grant|alter default privileges) .* to )seller;$`)

// A user who has what docs/operations.md lists sells, also with the tables of a later version. What
// it lacks is named, and is not taken for a database that does not answer.
func TestDoctorOfAnotherUser(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	grants := rights.FindAllStringSubmatch(string(page), -1)
	if len(grants) != 4 {
		t.Fatalf("docs/operations.md lists %q", grants)
	}
	server := dbtest.StartServer(t)
	server.Exec("create role clerk login")
	url := server.Database()
	owner := dbtest.Open(t, db.Config{URL: url})
	as := func(statements ...string) {
		t.Helper()
		for _, statement := range statements {
			if _, err := owner.Exec(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
	}
	for _, grant := range grants {
		as(grant[1] + "clerk")
	}
	as("create table later (position bigserial primary key)")
	w := shoptest.Serve(t, shoptest.Options{DB: dbtest.Open(t, db.Config{URL: strings.Replace(url, "user=shop", "user=clerk", 1)})})
	if err := w.DB.Check(t.Context()); err != nil {
		t.Errorf("serve would not start: %v", err)
	}
	_, orderID := w.Sale()
	if o := w.Place(orderID); !o.Acknowledged {
		t.Error("the sale is not acknowledged")
	}
	if _, err := w.DB.Exec(t.Context(), "insert into later default values"); err != nil {
		t.Errorf("a table of a later version: %v", err)
	}

	for _, tt := range []struct {
		name, statement string
		says            []string // of what is wrong, each; none: nothing is
	}{
		{"nothing", "select 1", nil},
		{"sequences", "revoke usage on all sequences in schema public from clerk", []string{"audit_position_seq", "stock_moves_position_seq", "events_position_seq", "staff_log_position_seq"}},
		{"a table", "revoke update on orders from clerk", []string{"may not read and write", "orders"}},
		{"the table of the steps", "revoke select on goose_db_version from clerk", []string{"may not read and write", "goose_db_version"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.says != nil {
				as(tt.statement)
			}
			var wrong []string
			for _, f := range w.Doctor.Examine(t.Context()) {
				if f.About == "database" && f.Level == doctor.Wrong && strings.HasPrefix(f.Says, "the user ") || strings.Contains(f.Says, "it does not answer") {
					wrong = append(wrong, f.Says)
				}
			}
			if len(wrong) != min(len(tt.says), 1) || slices.ContainsFunc(tt.says, func(say string) bool { return !strings.Contains(wrong[0], say) }) {
				t.Errorf("wrong is %q, want %q", wrong, tt.says)
			}
		})
	}
}

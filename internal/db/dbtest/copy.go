package dbtest

import (
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/db"
)

// sqliteCommand is one of the commands that docs/operations.md gives an operator with SQLite.
var sqliteCommand = regexp.MustCompile("sqlite3 shop\\.db \"([^\"]+)\"")

// CopySQLite backs a database of SQLite up and restores it elsewhere by the commands of
// docs/operations.md, so that the page and the tests know one way. It returns the copy's
// URL. It is for tests of packages that are in internal.
func CopySQLite(t testing.TB, d *db.DB) (url string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/operations.md")
	must(t, err)
	var file string
	must(t, d.Read.QueryRowContext(t.Context(), "select file from pragma_database_list where name = 'main'").Scan(&file))
	to := filepath.Join(t.TempDir(), "it is a copy")
	commands := sqliteCommand.FindAllStringSubmatch(string(page), -1)
	if len(commands) == 0 || !strings.Contains(commands[0][1], "'shopd-….db'") {
		t.Fatal("docs/operations.md does not say how SQLite is backed up")
	}
	for i, command := range commands {
		at := to
		if i == 0 {
			at = file
		}
		one, err := sql.Open("sqlite", at)
		must(t, err)
		_, err = one.ExecContext(t.Context(), strings.Replace(command[1], "'shopd-….db'", "'"+to+"'", 1))
		must(t, err)
		must(t, one.Close())
	}
	return fileURL(to)
}

package e2e_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/redistest"
)

// erase runs shopd erase as a process, and returns how it ended and all that it wrote.
func (d *deployment) erase(input string, args ...string) (status int, out string) {
	d.t.Helper()
	return d.once(map[string]string{"SHOPD_DATABASE_URL": d.data, "SHOPD_REDIS_URL": d.redis.URL}, input, append([]string{"erase"}, args...)...)
}

// once runs a command of shopd as a process with these variables, and returns how it ended and all that it wrote.
func (d *deployment) once(env map[string]string, input string, args ...string) (status int, out string) {
	d.t.Helper()
	path, err := binary()
	if err != nil {
		d.t.Fatal(err)
	}
	cmd := exec.CommandContext(d.t.Context(), path, args...)
	cmd.Env = []string{}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stdin = strings.NewReader(input)
	text, err := cmd.CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		d.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// soldTo sells to somebody, and returns Klarna's ID and our number. over: it is cancelled then.
func (d *deployment) soldTo(typed map[string]string, over bool) (id, number string) {
	d.t.Helper()
	c := d.buyer()
	id = c.open(d.shops[0])
	if out, err := d.fake.Shopper(id, fakeklarna.Action{Type: typed, Buy: &fakeklarna.Buy{}}); err != nil || out.Refused != nil {
		d.t.Fatalf("buy: %+v, %v", out, err)
	}
	c.send(d.shops[0], "GET", "/checkout/confirmation?order_id="+id, "", "")
	if over {
		if _, err := d.here.Book.Management.Cancel(d.t.Context(), id, uuid.NewString()); err != nil {
			d.t.Fatal(err)
		}
	}
	o, err := d.here.Book.Refresh(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return id, o.Number
}

var (
	rosenkvist = map[string]string{"given_name": "Wilhelmina", "family_name": "Rosenkvist", "email": "w.rosenkvist@quist.example", "street_address": "Kaptensgatan 77"}
	zetterlund = map[string]string{"given_name": "Torvald", "family_name": "Zetterlund", "email": "Torvald@zetter.example", "street_address": "Brunnsgatan 8"}
)

// dump is all that the database has, as text.
func (d *deployment) dump() string { return tool(d.t, "pg_dump", d.data) }

func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := dbtest.Program(name)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// named are those of the persons whom a text names.
func named(text string) (found []string) {
	for _, part := range []string{"Rosenkvist", "Kaptensgatan", "quist.example", "Zetterlund", "Brunnsgatan", "zetter.example"} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(part)) {
			found = append(found, part)
		}
	}
	return found
}

// shopd erase, beside the shop that runs: by number, by address, what it refuses, and its list.
// It prints nobody's name.
func TestEraseCommand(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	rose, first := d.soldTo(rosenkvist, true)
	zetter, second := d.soldTo(zetterlund, true)
	_, open := d.soldTo(zetterlund, false)
	for _, step := range []struct {
		name, input string
		args        []string
		status      int
		want        string
	}{
		{"nothing asked", "", nil, 1, "one of -order, -email, -list and -apply is wanted"},
		{"no such order", "", []string{"-order", "SK-2222-2222"}, 1, "there is no order"},
		{"nobody's address", "nobody@quist.example\n", []string{"-email", "-"}, 1, "no order has this e-mail address"},
		{"not a list", "w.rosenkvist@quist.example\n", []string{"-apply", "-"}, 1, "line 1 is not an order's ID and a time"},
		{"a plain word", "hello\n", []string{"-apply", "-"}, 1, "line 1 is not an order's ID and a time"},
		{"words", "hello world\n", []string{"-apply", "-"}, 1, "line 1 is not an order's ID and a time"},
		{"none is erased", "", []string{"-list"}, 0, ""},
		{"not finished", "", []string{"-order", open}, 1, open + " not erased: it is not finished at Klarna"},
		{"by number", "", []string{"-order", strings.ToLower(first)}, 0, first + " erased\n"},
		{"again", "", []string{"-order", first}, 0, first + " erased\n"},
		{"by address, one of two", "torvald@ZETTER.example\n", []string{"-email", "-"}, 1, second + " erased\n"},
		{"list", "", []string{"-list"}, 0, rose + " 20"},
		{"the other in the list", "", []string{"-list"}, 0, zetter + " 20"},
		{"a list with an order that is not there", "6c1d2f6a-8f1e-4b0c-9d57-3a1b2c3d4e5f 2026-01-01T00:00:00Z\n", []string{"-apply", "-"}, 0, "later: it is not in the book"},
	} {
		status, out := d.erase(step.input, step.args...)
		if status != step.status || !strings.Contains(out, step.want) || step.name == "none is erased" && out != "" {
			t.Errorf("%s: %d, %s", step.name, status, out)
		}
		if who := named(strings.ReplaceAll(out, "no order has", "")); who != nil {
			t.Errorf("%s: it prints %q", step.name, who)
		}
	}
	dump := d.dump()
	if who := named(dump); len(who) != 3 || !strings.Contains(dump, first) || !strings.Contains(dump, second) {
		t.Errorf("of the two persons the database still names %q; want only the one whose order is open", who)
	}
	if who := named(d.shops[0].logged()); who != nil {
		t.Errorf("the shop's log has %q", who)
	}
}

// SQLite's file is one process's: the command says what to do, and changes nothing.
func TestEraseCommandSQLite(t *testing.T) {
	t.Parallel()
	d := deployWith(t, redistest.StartServer(t), dbtest.SQLiteURL(t), 0, fakeklarna.Options{})
	for _, args := range [][]string{{"-order", "SK-2222-2222"}, {"-list"}} {
		if status, out := d.erase("", args...); status != 1 || !strings.Contains(out, "Stop the shop first, or erase on the order's page of the back office") {
			t.Errorf("%v: %d, %s", args, status, out)
		}
	}
	if err := d.here.Book.DB.Close(); err != nil {
		t.Fatal(err)
	}
	if status, out := d.erase("", "-list"); status != 0 || out != "" {
		t.Errorf("with the shop stopped: %d, %s", status, out)
	}
}

// writeList is shopd erase -list into a file.
func (d *deployment) writeList() (file string) {
	d.t.Helper()
	status, list := d.erase("", "-list")
	file = d.t.TempDir() + "/erased.txt"
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil || status != 0 || list == "" {
		d.t.Fatalf("%d, %q, %v", status, list, err)
	}
	return file
}

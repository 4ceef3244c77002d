package dbtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Pair is a primary whose commits wait for a standby, as deploy/postgres makes them.
type Pair struct {
	Primary, Standby *Server
	URL              string // of an empty database, on whichever of the two takes writes
}

// pairPassword is that of the user postgres of a Pair.
const pairPassword = "secret-of-postgres"

// StartPair starts one with the scripts in a folder, deploy/postgres. It ends with the
// test.
func StartPair(t testing.TB, scripts string) Pair {
	t.Helper()
	// Each has an address of its own, so that both can have the usual port.
	addresses := []string{loopback(), loopback()}
	p := Pair{Primary: StartServer(t, "listen_addresses="+addresses[0])}
	// Over the network a password is asked for, as in the image.
	must(t, os.WriteFile(p.Primary.dir+"/data/pg_hba.conf", []byte("local all all trust\nhost all all all scram-sha-256\n"), 0o600))
	for _, query := range []string{"alter role postgres password '" + pairPassword + "'", "alter role shop password '" + pairPassword + "'"} {
		p.Primary.Exec(query)
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(p.Primary.Database(), "postgres:///"), "?")
	p.URL = "postgres://shop:" + pairPassword + "@" + strings.Join(addresses, ",") + "/" + name + "?target_session_attrs=read-write"

	env := []string{"POSTGRES_USER=postgres", "POSTGRES_DB=postgres", "PGPASSWORD=" + pairPassword, "PGHOST=" + p.Primary.dir}
	init := p.Primary.command("sh", "-c", text(t, scripts, "init.sh"))
	init.Env = append(init.Env, append(env, "PGDATA="+p.Primary.dir+"/data")...)
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("init.sh: %v\n%s", err, out)
	}
	p.Primary.Kill() // as the image does, but harder
	p.Primary.Restart()

	s := &Server{t: t}
	p.Standby = s
	t.Cleanup(s.end)
	s.makeFolder()
	follow := s.command("sh", append([]string{"-c", text(t, scripts, "standby.sh"), "standby.sh", addresses[0], "-k", s.dir},
		settingsOf([]string{"listen_addresses=" + addresses[1]})...)...)
	follow.Env = append(follow.Env, append(env, "PGDATA="+s.dir)...)
	s.launch(follow)
	s.await()
	return p
}

// Promote makes the standby a primary, which waits for no standby.
func (p Pair) Promote() {
	p.Standby.t.Helper()
	for _, query := range []string{"select pg_promote()", "alter system set synchronous_standby_names = ''", "select pg_reload_conf()"} {
		p.Standby.Exec(query)
	}
}

func text(t testing.TB, folder, name string) string {
	t.Helper()
	script, err := os.ReadFile(filepath.Join(folder, name))
	must(t, err)
	return string(script)
}

// loopback is an address of this machine that hardly anybody else has.
func loopback() string {
	return fmt.Sprintf("127.%d.%d.%d", 1+rand.N(254), rand.N(256), 1+rand.N(254))
}

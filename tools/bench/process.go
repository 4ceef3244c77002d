package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/db/dbtest"
)

// readyTime is how long a process may take until it is ready.
const readyTime = 30 * time.Second

// rig is the processes of one measurement. Whatever it starts is ended by
// close, or when the context that it was started with ends.
type rig struct {
	shopdPath string // the binary that is measured
	dir       string // logs, and what Redis and PostgreSQL keep
	running   []*process
	postgres  *process // started by the first who needs a database
	durable   bool     // its commits wait for the disk
	databases int      // made so far
}

// newRig returns a rig that has started nothing yet. shopd is the path of a
// shopd binary.
func newRig(shopd string) (*rig, error) {
	dir, err := os.MkdirTemp("", "shopd-bench")
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(filepath.Join(dir, "shop"), skerry.FS); err != nil {
		return nil, err
	}
	return &rig{shopdPath: shopd, dir: dir}, os.Chmod(dir, 0o755) //nolint:gosec // PostgreSQL runs as another user
}

// close kills what was started, the newest first, and forgets what they kept.
func (r *rig) close() {
	for _, p := range slices.Backward(r.running) {
		p.kill()
	}
	_ = os.RemoveAll(r.dir)
}

// process is a running program.
type process struct {
	name  string
	cmd   *exec.Cmd
	log   string            // file that has what it wrote to stderr
	ready map[string]string // its ready lines: "storefront", "klarna", "ops" → address
	ended chan struct{}     // closed when it has ended
	last  syscall.Signal    // ends it at once
}

// pid is the ID of the process.
func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) kill() {
	_ = p.cmd.Process.Signal(p.last)
	<-p.ended
}

// failed is an error with the end of the process's log.
func (p *process) failed(what string) error {
	log, _ := os.ReadFile(p.log)
	return fmt.Errorf("%s: %s\n%s", p.name, what, log[max(0, len(log)-4000):])
}

// start runs a program until ctx ends. It is ready when it has printed the line
// "last ADDRESS", as shopd's commands do; with last "" it is so at once.
func (r *rig) start(ctx context.Context, name, last string, env []string, path string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // what is measured is named by who measures
	cmd.Dir = r.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)
	return r.run(ctx, &process{name: name, cmd: cmd, last: syscall.SIGKILL}, last)
}

// run starts a process, whose command is given.
func (r *rig) run(ctx context.Context, p *process, last string) (*process, error) {
	p.ready, p.ended = map[string]string{}, make(chan struct{})
	p.log = filepath.Join(r.dir, fmt.Sprintf("%d-%s.log", len(r.running), p.name))
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	p.cmd.Stderr = log
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	r.running = append(r.running, p)

	ready := make(chan struct{})
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(stdout)
		for waiting := last != ""; waiting && lines.Scan(); {
			name, address, _ := strings.Cut(lines.Text(), " ")
			p.ready[name] = address
			if waiting = name != last; !waiting {
				close(ready)
			}
		}
		_, _ = io.Copy(io.Discard, stdout)
		_ = p.cmd.Wait()
	}()
	if last == "" {
		return p, nil
	}
	select {
	case <-ready:
		return p, nil
	case <-p.ended:
		return nil, errors.Join(context.Cause(ctx), p.failed("it ended"))
	case <-time.After(readyTime):
		return nil, p.failed("it is not ready")
	}
}

// redis starts a redis-server on loopback, without persistence unless settings
// of its command line ask for it, and returns its URL.
func (r *rig) redis(ctx context.Context, settings ...string) (p *process, url string, err error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, "", errors.New("the benchmark needs redis-server, such as the Debian package of that name")
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, "", err
	}
	_, port, _ := net.SplitHostPort(addr)
	args := append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"}, settings...)
	if p, err = r.start(ctx, "redis-server", "", nil, path, args...); err != nil {
		return nil, "", err
	}
	return p, "redis://" + addr, p.await(func() error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
}

// await waits until a server answers as it should.
func (p *process) await(answers func() error) error {
	for end := time.Now().Add(readyTime); ; time.Sleep(5 * time.Millisecond) {
		err := answers()
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return p.failed("it ended")
		default:
		}
		if time.Now().After(end) {
			return p.failed(err.Error())
		}
	}
}

// database makes an empty database and returns its URL. All are on one server of the
// rig's.
func (r *rig) database(ctx context.Context) (string, error) {
	dir := filepath.Join(r.dir, "postgres")
	if r.postgres == nil {
		if err := r.startPostgres(ctx, dir); err != nil {
			return "", err
		}
	}
	admin, err := sql.Open("pgx", postgresURL(dir, "postgres"))
	if err != nil {
		return "", err
	}
	defer func() { _ = admin.Close() }()
	if err := r.postgres.await(func() error { return admin.PingContext(ctx) }); err != nil {
		return "", err
	}
	r.databases++
	name := fmt.Sprintf("shop%d", r.databases)
	_, err = admin.ExecContext(ctx, "create database "+name)
	return postgresURL(dir, name), err
}

func postgresURL(dir, name string) string {
	return "postgres:///" + name + "?" + url.Values{"host": {dir}, "user": {"postgres"}}.Encode()
}

func (r *rig) startPostgres(ctx context.Context, dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	data := filepath.Join(dir, "data")
	initdb, err := dbtest.Command(dir, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
	if err != nil {
		return err
	}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	server, err := dbtest.Command(dir, "postgres", "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", fmt.Sprintf("fsync=%t", r.durable), "-c", "shared_buffers=128MB", "-c", "max_connections=400")
	if err != nil {
		return err
	}
	r.postgres, err = r.run(ctx, &process{name: "postgres", cmd: server, last: syscall.SIGQUIT}, "")
	context.AfterFunc(ctx, func() { _ = server.Process.Signal(syscall.SIGQUIT) })
	return err
}

// stores are the URLs of what a shop keeps its data in.
type stores struct{ redis, database string }

// stores starts a Redis, and makes a database.
func (r *rig) stores(ctx context.Context) (p *process, at stores, err error) {
	if p, at.redis, err = r.redis(ctx); err == nil {
		at.database, err = r.database(ctx)
	}
	return p, at, err
}

// fake starts a fake Klarna and returns its URL.
func (r *rig) fake(ctx context.Context, flags ...string) (p *process, url string, err error) {
	p, err = r.start(ctx, "fake-klarna", "klarna", nil, r.shopdPath, append([]string{"fake-klarna", "-quiet", "-klarna-addr", "127.0.0.1:0"}, flags...)...)
	if err != nil {
		return nil, "", err
	}
	return p, p.ready["klarna"], nil
}

// shopd starts a shop as in production, which logs to a file. Its addresses are
// ready["storefront"] and ready["ops"]. flags are further ones of shopd serve.
func (r *rig) shopd(ctx context.Context, at stores, klarnaURL string, flags ...string) (*process, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(addr)
	env := []string{
		"SHOPD_PUBLIC_URL=http://localhost:" + port, "SHOPD_REDIS_URL=" + at.redis, "SHOPD_DATABASE_URL=" + at.database, "SHOPD_KLARNA_URL=" + klarnaURL,
		"SHOPD_KLARNA_USERNAME=" + klarnaUser, "SHOPD_KLARNA_PASSWORD=" + klarnaPassword,
		"SHOPD_SECRET=a secret for the benchmark", "SHOPD_API_KEYS=" + keyLines(),
		"SHOPD_SHOP=" + filepath.Join(r.dir, "shop", "shop.yaml"), "SHOPD_CATALOG=" + filepath.Join(r.dir, "shop", "catalog.json"),
	}
	return r.start(ctx, "shopd", "ops", env, r.shopdPath, append([]string{"serve", "-addr", addr, "-ops-addr", "127.0.0.1:0", "-write-limit", "0"}, flags...)...)
}

// The fake's credentials.
const klarnaUser, klarnaPassword = "demo", "demo"

// freeAddr returns an address on loopback that nobody listens on.
func freeAddr(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// shopdBinary returns the path of the shopd to measure: the one that is named, else one that is
// built from this source into dir.
func shopdBinary(ctx context.Context, named, dir string) (string, error) {
	if named != "" {
		return filepath.Abs(named) // the processes have a folder of their own
	}
	path := filepath.Join(dir, "shopd")
	return path, goBuild(ctx, ".", nil, "-o", path, "./cmd/shopd")
}

// goBuild runs go build in a folder of the project: what is built has the dependencies
// of the module there.
func goBuild(ctx context.Context, folder string, env []string, args ...string) error {
	root, err := projectRoot(ctx)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"-C", filepath.Join(root, folder), "build"}, args...)...) //nolint:gosec // ours
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// projectRoot is where shopd's own module is, for a benchmark that runs there or in its
// own module.
func projectRoot(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/shopd/shopd")
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("find shopd's source: %w\n%s", err, complaint.String())
	}
	return strings.TrimSpace(string(out)), nil
}

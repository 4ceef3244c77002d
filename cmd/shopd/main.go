// Command shopd is a merchant's checkout web server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the image has no time zones

	"github.com/shopd/shopd/internal/build"
	"github.com/shopd/shopd/internal/db"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// command is one of shopd's subcommands.
type command struct {
	name, argument, summary string // argument may end with …: several
	run                     func(ctx context.Context, e *env) error
	collects                bool // it tells what could not be read of its settings itself, with all other problems
}

// env is what a command is run with.
type env struct {
	config
	args           []string         // after the flags
	given          map[string]bool  // flags of the command line, by name
	hangups        <-chan os.Signal // each asks to read secrets, staff and keys again; nil: none come
	getenv         func(string) string
	stdout, stderr io.Writer
}

var commands = []command{
	{"serve", "", "production: needs a database, Redis and Klarna credentials, refuses to start without", serve, true},
	{"demo", "", "storefront, fake Klarna, embedded Redis and database in one process, nothing to install", demo, true},
	{"fake-klarna", "", "the fake Klarna alone, for any project in any language", serveFake, false},
	{"explain", "FILE", "the request that a cart would send, with the arithmetic", explain, false},
	{"check", "", "what is wrong with a shop file and a catalogue, and what Klarna would get for a sample cart of each market", check, false},
	{"publish", "", "check and publish a shop file, a catalogue or both; list versions, go back to one", publishFiles, false},
	{"key", "NAME SCOPES", "print a new key for the API under /v1, and its line for SHOPD_API_KEYS; scopes with commas between", newKey, false},
	{"migrate", "", "bring the database's tables to what this version needs", migrate, false},
	{"erase", "", "erase the personal data of orders, or apply the list of erased orders after a restore", erase, false},
	{"place", "ORDER_ID…", "take orders into the book that were bought at Klarna and are not known here, after a restore", place, false},
	{"healthcheck", "", "exit 0 or 1 by /readyz, for a container without a shell", healthcheck, false},
	{"doctor", "", "look at all that a shop with these settings depends on, and say what is wrong and what to do", diagnose, true},
	{"version", "", "print the version, its commit, and which tables it needs", version, false},
}

// run executes a command until it ends or ctx does. It returns the exit status: 0, 1 for
// an error, 2 for a wrong command line.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		usage(stderr)
		return 2
	}
	name, args := args[0], args[1:]
	for _, c := range commands {
		if c.name != name {
			continue
		}
		e := &env{getenv: getenv, stdout: stdout, stderr: stderr}
		err := e.parse(c, args, getenv)
		if errors.Is(err, flag.ErrHelp) {
			commandUsage(stdout, c)
			return 0
		}
		if err == nil && !c.collects {
			err = errors.Join(e.unread...)
		}
		if err == nil {
			if err = c.run(ctx, e); err == nil {
				return 0
			}
		}
		_, _ = fmt.Fprintf(stderr, "shopd %s: %v\n", name, err)
		if _, ok := errors.AsType[*usageError](err); ok {
			_, _ = fmt.Fprintf(stderr, "shopd %s -help says what it takes\n", name)
			return 2
		}
		return 1
	}
	switch name {
	case "help", "-help", "--help", "-h":
		usage(stdout)
		return 0
	}
	_, _ = fmt.Fprintf(stderr, "shopd: there is no command %q\n\n", name)
	usage(stderr)
	return 2
}

func version(_ context.Context, e *env) error {
	is := build.Read()
	_, err := fmt.Fprintf(e.stdout, "shopd %s\ncommit %s\nschema %d\n%s\n", is.Version, is.Commit, db.Schema(), is.Go)
	return err
}

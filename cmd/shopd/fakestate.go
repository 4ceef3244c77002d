package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/shopd/shopd/fakeklarna"
)

// stateEvery is the shortest time between two writings of a fake's state.
const stateEvery = 5 * time.Second

// stateFile is the file of a fake's state.
type stateFile struct {
	fake   *fakeklarna.Server
	name   string
	logger *slog.Logger

	mu      sync.Mutex
	changed <-chan struct{} // taken before the state was written last
}

// keepState restores the state of a fake from a file, if it is there, and writes it there
// after changes, at most once in every. Time has passed for the fake while it was stopped. end writes the state a
// last time. With an empty file name it does nothing.
func keepState(ctx context.Context, fake *fakeklarna.Server, name string, every time.Duration, logger *slog.Logger) (file *stateFile, end func(), err error) {
	if name == "" {
		return nil, func() {}, nil
	}
	file = &stateFile{fake: fake, name: name, logger: logger}
	err = restoreState(fake, name)
	if err == nil {
		err = file.write() // at once, so that a wrong place is told at the start
	}
	if err != nil {
		return nil, nil, fmt.Errorf("the fake's state: %w", err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		pause := every
		for {
			select {
			case <-file.change():
			case <-stop:
				return
			}
			select {
			case <-time.After(pause): // what else changes is written with it
			case <-stop:
				return
			}
			began := time.Now()
			file.keep(ctx)
			pause = max(every, 50*time.Since(began)) // the fake waits while its state is read
		}
	}()
	return file, func() {
		close(stop)
		<-stopped
		file.keep(ctx)
	}, nil
}

func (f *stateFile) change() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

// keep writes the state, if it is another than the file's. Those who come while it is being
// written wait, and find theirs written with it or write it.
func (f *stateFile) keep(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.changed:
	default:
		return
	}
	if err := f.write(); err != nil {
		f.logger.ErrorContext(ctx, "the fake's state is not written", "error", err)
	}
}

// write replaces the file. The caller has the lock, or is alone.
func (f *stateFile) write() error {
	f.changed = f.fake.Changed() // before the state is read
	return replaceFile(f.name, f.fake.Snapshot())
}

// first has what an answer tells in the file before it is told: a fake that is killed then has forgotten
// nothing that somebody knows, as Klarna has not.
func (f *stateFile) first(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		keep := sync.OnceFunc(func() { f.keep(ctx) })
		next.ServeHTTP(&keptAnswer{ResponseWriter: w, keep: keep}, r)
	})
}

type keptAnswer struct {
	http.ResponseWriter
	keep func()
}

func (w *keptAnswer) WriteHeader(status int) {
	w.keep()
	w.ResponseWriter.WriteHeader(status)
}

func (w *keptAnswer) Write(b []byte) (int, error) {
	w.keep()
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *keptAnswer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func restoreState(fake *fakeklarna.Server, file string) error {
	text, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := fake.Restore(text); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	about, err := os.Stat(file)
	if err != nil {
		return err
	}
	fake.Advance(max(0, time.Since(about.ModTime())))
	return nil
}

// replaceFile writes a file whole: after a crash it is the old one or the new one. Only its
// owner reads it: it may hold tokens and addresses.
func replaceFile(file string, text []byte) error {
	next, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.tmp") // 0600
	if err != nil {
		return err
	}
	_, err = next.Write(text)
	err = errors.Join(err, next.Sync(), next.Close())
	if err == nil {
		err = os.Rename(next.Name(), file)
	}
	if err != nil {
		_ = os.Remove(next.Name())
	}
	return err
}

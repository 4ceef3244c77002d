package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/shopd/shopd/fakeklarna"
)

// stateEvery is the shortest time between two writings of a fake's state.
const stateEvery = 5 * time.Second

// keepState restores the state of a fake from a file, if it is there, and writes it there
// after changes, at most once in every. Time has passed for the fake while it was stopped. end writes the state a
// last time. With an empty file name it does nothing.
func keepState(ctx context.Context, fake *fakeklarna.Server, file string, every time.Duration, logger *slog.Logger) (end func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	if err := restoreState(fake, file); err != nil {
		return nil, fmt.Errorf("-state: %w", err)
	}
	changed := fake.Changed()                      // always taken before the state is read
	if err := writeState(fake, file); err != nil { // at once, so that a wrong place is told at the start
		return nil, fmt.Errorf("-state: %w", err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	write := func() {
		if err := writeState(fake, file); err != nil {
			logger.ErrorContext(ctx, "the fake's state is not written", "error", err)
		}
	}
	go func() {
		defer close(stopped)
		pause := every
		for {
			select {
			case <-changed:
			case <-stop:
				return
			}
			select {
			case <-time.After(pause): // what else changes is written with it
			case <-stop:
				return
			}
			began := time.Now()
			changed = fake.Changed()
			write()
			pause = max(every, 50*time.Since(began)) // the fake waits while its state is read
		}
	}()
	return func() {
		close(stop)
		<-stopped
		write()
	}, nil
}

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

// writeState replaces the file whole: after a crash it is the old one or the new one.
func writeState(fake *fakeklarna.Server, file string) error {
	next, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.tmp") // 0600: it holds tokens and addresses
	if err != nil {
		return err
	}
	_, err = next.Write(fake.Snapshot())
	err = errors.Join(err, next.Sync(), next.Close())
	if err == nil {
		err = os.Rename(next.Name(), file)
	}
	if err != nil {
		_ = os.Remove(next.Name())
	}
	return err
}

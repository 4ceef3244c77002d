package fakeklarna

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"time"
)

// A snapshot is the whole state of a fake as JSON. It can be restored in any fake, as the
// start of a test or to show a problem to somebody.

// snapshotVersion changes when older snapshots no longer work.
const snapshotVersion = 1

// maxSnapshot is the size of the largest snapshot that is read, in bytes.
const maxSnapshot = 256 << 20

type snapshot struct {
	Version int                        `json:"version"`
	Now     time.Time                  `json:"now"` // the fake's time: it goes on from there
	State   map[string]json.RawMessage `json:"state"`
}

// part is a part of the state by its name in a snapshot.
type part struct {
	name string
	at   any // pointer to a member of Server
}

// parts returns the whole state, without the clock and what is derived from it.
// The caller holds s.mu.
func (s *Server) parts() []part {
	return []part{
		{"orders", &s.newest},
		{"managed", &s.managed},
		{"payments", &s.payments},
		{"answers", &s.answers},
		{"jobs", &s.jobs},
		{"faults", &s.faults},
		{"fault_id", &s.faultID},
		{"requests", &s.log},
		{"callbacks", &s.callbacks},
		{"events", &s.events},
		{"chance", &s.chance},
	}
}

// Snapshot returns the fake's state as JSON: orders, clock, jobs, faults, the record and
// the state of the random sequence. It has tokens, but no Options.
func (s *Server) Snapshot() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := snapshot{Version: snapshotVersion, Now: s.now(), State: map[string]json.RawMessage{}}
	for _, p := range s.parts() {
		snap.State[p.name] = mustJSON(p.at)
	}
	return mustJSON(snap)
}

// Restore replaces the fake's state by a snapshot, perhaps of another fake. The clock
// continues from the snapshot's time. Waiting calls end without an answer. After an error
// nothing has changed.
func (s *Server) Restore(text []byte) error {
	restored, now, err := s.readSnapshot(text)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.forgot)
	s.empty()
	from := restored.parts()
	for i, p := range s.parts() {
		reflect.ValueOf(p.at).Elem().Set(reflect.ValueOf(from[i].at).Elem())
	}
	for _, o := range s.newest {
		s.orders[o.ID] = o
	}
	s.offset = time.Until(now)
	s.wakeJobs()
	s.stir()
	return nil
}

// readSnapshot returns a snapshot as the state of an unused fake, and its time.
func (s *Server) readSnapshot(text []byte) (*Server, time.Time, error) {
	var snap snapshot
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&snap); err != nil {
		return nil, time.Time{}, err
	}
	if snap.Version != snapshotVersion {
		return nil, time.Time{}, fmt.Errorf("version: %d is not %d", snap.Version, snapshotVersion)
	}
	if ahead := time.Until(snap.Now); ahead > century || ahead < -century {
		return nil, time.Time{}, fmt.Errorf("now: %v is more than a century from now", snap.Now)
	}
	into := &Server{o: s.o, stirred: make(chan struct{})}
	into.empty()
	for _, p := range into.parts() {
		if raw, ok := snap.State[p.name]; ok {
			if err := json.Unmarshal(raw, p.at); err != nil {
				return nil, time.Time{}, fmt.Errorf("state.%s: %w", p.name, err)
			}
			if hasNil(reflect.ValueOf(p.at).Elem()) {
				return nil, time.Time{}, fmt.Errorf("state.%s: has a null", p.name)
			}
			delete(snap.State, p.name)
		}
	}
	for name := range snap.State {
		return nil, time.Time{}, fmt.Errorf("state.%s: there is no such part", name)
	}
	return into, snap.Now, into.checkRestored()
}

func (s *Server) getSnapshot(*http.Request) (int, any) {
	return http.StatusOK, json.RawMessage(s.Snapshot())
}

func (s *Server) postSnapshot(r *http.Request) (int, any) {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxSnapshot+1))
	switch {
	case err != nil:
		return refuseError(fmt.Errorf("the body: %w", err))
	case len(text) > maxSnapshot:
		return refuse(http.StatusRequestEntityTooLarge, "too_large", "the body: more than 256 MiB")
	}
	if err := s.Restore(text); err != nil {
		return refuseError(err)
	}
	return s.readClock(r)
}

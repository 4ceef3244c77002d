package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// A snapshot is the whole state of a fake as JSON. It can be restored in any fake, as the
// start of a test or to show a problem to somebody.

// snapshotVersion changes when older snapshots no longer work.
const snapshotVersion = 1

type snapshot struct {
	Version int                        `json:"version"`
	Now     time.Time                  `json:"now"` // the fake's time: it goes on from there
	State   map[string]json.RawMessage `json:"state"`
}

// part is a part of the state, with its name in a snapshot.
type part struct {
	name  string
	at    any // pointer to it
	empty func()
	// read returns the function that puts the part of a snapshot in its place.
	read func(json.RawMessage) (put func(), err error)
}

// Hold makes what at points to a part of the state. empty returns it as in a new fake.
// check, unless nil, returns what is wrong with it in a snapshot that was changed by hand;
// it does not check what Klarna would refuse.
func Hold[T any](s *State, name string, at *T, empty func() T, check func(T) error) {
	*at = empty()
	s.parts = append(s.parts, part{
		name: name, at: at,
		empty: func() { *at = empty() },
		read: func(raw json.RawMessage) (func(), error) {
			v := empty()
			if err := json.Unmarshal(raw, &v); err != nil {
				return nil, err
			}
			if hasNil(reflect.ValueOf(&v).Elem()) {
				return nil, errors.New("has a null")
			}
			if check != nil {
				if err := check(v); err != nil {
					return nil, err
				}
			}
			return func() { *at = v }, nil
		},
	})
}

// Snapshot returns the state as JSON.
func (s *State) Snapshot() []byte {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	snap := snapshot{Version: snapshotVersion, Now: s.Time(), State: map[string]json.RawMessage{}}
	for _, p := range s.parts {
		snap.State[p.name] = wire.MustJSON(p.at)
	}
	return wire.MustJSON(snap)
}

// Restore replaces the state by a snapshot. The clock continues from the snapshot's time.
// Waiting calls end without an answer. After an error nothing has changed.
func (s *State) Restore(text []byte) error {
	var snap snapshot
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&snap); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if snap.Version != snapshotVersion {
		return fmt.Errorf("restore: version: %d is not %d", snap.Version, snapshotVersion)
	}
	if ahead := time.Until(snap.Now); ahead > century || ahead < -century {
		return fmt.Errorf("restore: now: %v is more than a century from now", snap.Now)
	}
	var puts []func()
	for _, p := range s.parts {
		raw, ok := snap.State[p.name]
		if !ok {
			continue
		}
		put, err := p.read(raw)
		if err != nil {
			return fmt.Errorf("restore: state.%s: %w", p.name, err)
		}
		puts = append(puts, put)
		delete(snap.State, p.name)
	}
	for name := range snap.State {
		return fmt.Errorf("restore: state.%s: there is no such part", name)
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	close(s.Forgot)
	s.empty()
	for _, put := range puts {
		put()
	}
	s.Offset = time.Until(snap.Now)
	s.wakeJobs()
	s.Stir()
	return nil
}

// hasNil reports whether a part of the state has a nil map or pointer where the fake
// expects none.
func hasNil(v reflect.Value) bool {
	null := func(v reflect.Value) bool { return v.Kind() == reflect.Pointer && v.IsNil() }
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil()
	case reflect.Slice:
		for i := range v.Len() {
			if null(v.Index(i)) {
				return true
			}
		}
	case reflect.Map:
		for _, element := range v.Seq2() {
			if null(element) {
				return true
			}
		}
		return v.IsNil()
	case reflect.Struct:
		for _, member := range v.Fields() {
			if hasNil(member) {
				return true
			}
		}
	default: // nothing in it
	}
	return false
}

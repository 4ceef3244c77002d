package fakeklarna

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// Checks of a restored state, so that a snapshot changed by hand cannot break the fake.
// They do not check what Klarna would refuse.

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

// checkRestored returns what is wrong with a restored state.
func (s *Server) checkRestored() error {
	known := map[string]bool{}
	for _, o := range s.newest {
		if o.ID == "" || known[o.ID] {
			return fmt.Errorf("state.orders: the ID %q is missing or twice", o.ID)
		}
		known[o.ID] = true
		if err := o.check(); err != nil {
			return fmt.Errorf("state.orders: order %s: %w", o.ID, err)
		}
	}
	for id, m := range s.managed {
		if m.View.OrderID != id {
			return fmt.Errorf("state.managed: order %s says that it is %s", id, m.View.OrderID)
		}
	}
	kinds := jobKinds()
	for _, j := range s.jobs {
		if kinds[j.Kind] == nil {
			return fmt.Errorf("state.jobs: there is no kind %q", j.Kind)
		}
	}
	for _, f := range s.faults {
		if err := f.check(); err != nil {
			return fmt.Errorf("state.faults: %w", err)
		}
	}
	if err := s.payments.check(); err != nil {
		return fmt.Errorf("state.payments: %w", err)
	}
	return nil
}

// check returns what is wrong with an order that was restored.
func (o *order) check() error {
	if !slices.Contains([]string{StatusIncomplete, StatusComplete, StatusAborted}, o.Status) {
		return fmt.Errorf("there is no status %q", o.Status)
	}
	content, refused := parseBody(mustJSON(o.Content))
	if refused != nil {
		return errors.New(refused.message)
	}
	for i := range orderRules {
		r := &orderRules[i]
		v := content[r.name]
		if v == nil && !r.required || v != nil && r.name == "order_lines" { // one line more than may be sent: the delivery
			continue
		}
		if _, err := r.first(plainDialect, r.name, v); err != nil {
			return errors.New(err.message)
		}
	}
	if o.Content["merchant_urls"] == nil {
		return errors.New("merchant_urls is missing")
	}
	if o.Typed == nil {
		return errors.New("what was typed is missing")
	}
	for member, text := range o.Typed {
		if err := checkTyped(member, text); err != nil {
			return err
		}
	}
	return json.Unmarshal(mustJSON(o.Content), new(Order))
}

// check returns what is wrong with restored payment sessions: one is missing or does not
// decode.
func (p *paymentState) check() error {
	listed := map[string]bool{}
	for _, id := range p.Newest {
		if p.Sessions[id] == nil || listed[id] {
			return fmt.Errorf("session %q is not there or is listed twice", id)
		}
		listed[id] = true
	}
	for id, one := range p.Sessions {
		if one.ID != id || one.Typed == nil || !listed[id] {
			return fmt.Errorf("session %s: ID or Typed is missing, or it is not among the newest", id)
		}
		for _, content := range []map[string]json.RawMessage{one.Content, one.Authorized} {
			if err := json.Unmarshal(mustJSON(content), new(Session)); err != nil {
				return fmt.Errorf("session %s: %w", id, err)
			}
		}
	}
	for token, a := range p.Authorizations {
		if p.Sessions[a.SessionID] == nil || a.TokenID != "" && p.Tokens[a.TokenID] == nil {
			return fmt.Errorf("authorization %s: its session or customer token is missing", token)
		}
	}
	for id, t := range p.Tokens {
		if p.Sessions[t.SessionID] == nil {
			return fmt.Errorf("customer token %s: its session is missing", id)
		}
		if err := json.Unmarshal(mustJSON(t.Content), new(Session)); err != nil {
			return fmt.Errorf("customer token %s: %w", id, err)
		}
	}
	return nil
}

package payments

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

const (
	// sessionLife is how long an incomplete session lives. Updates do not extend it. Source: docs.klarna.com, Initiate a payment.
	sessionLife = 48 * time.Hour
	// authorizationLife is how long an authorization can place an order.
	// Source: docs.klarna.com, Create an order.
	authorizationLife = 60 * time.Minute
)

// kept is what the fake knows of Klarna Payments. The state's lock guards it;
// a snapshot has it.
type kept struct {
	Sessions       map[string]*Stored
	Newest         []string                  // session IDs in the order in which they were made
	Authorizations map[string]*authorization // by token
	Tokens         map[string]*customerToken // by ID
}

func newKept() kept {
	return kept{
		Sessions:       map[string]*Stored{},
		Authorizations: map[string]*authorization{},
		Tokens:         map[string]*customerToken{},
	}
}

// Stored is one payment session; a snapshot has its fields.
type Stored struct {
	ID, ClientToken string
	Content         map[string]json.RawMessage // what shop and browser sent, merged and checked
	Typed           map[string]string          // what the shopper typed in Klarna's own flow
	Started         time.Time
	Approved        bool                       // at least once: customer details are answered
	Finalize        bool                       // approved, and the token comes from finalize
	Category        string                     // of the last approval
	Token           string                     // of the newest authorization, "" without
	Authorized      map[string]json.RawMessage // Content as the newest authorization approved it
	OrderID         string                     // of the order placed, "" before
	ConfirmationURL string                     // where redirect_url leads, with the placeholders filled in
	CustomerTokens  []string
}

// authorization is the result of an approval. The next one of its session replaces it.
type authorization struct {
	SessionID string
	Issued    time.Time
	Deleted   bool
	Consumed  bool            // by a customer token, with the intent tokenize
	Body      string          // of the order call that decided, "" before
	Answer    json.RawMessage // to Body
	Failure   *wire.Error     // of Body, repeated for this token
	TokenBody string          // of the call that made a customer token
	TokenID   string          // of that token
}

// ErrNoSession: the session is unknown or has expired.
var ErrNoSession = errors.New("no such session, or it has expired")

var (
	errInvalidSession   = &wire.Error{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: "Invalid session id"}
	errSessionCompleted = &wire.Error{Status: http.StatusNotFound, Code: "SESSION_COMPLETED", Message: "Session has already been completed"}
	errInvalidToken     = &wire.Error{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: "Invalid authorization token"}
	errConsumed         = &wire.Error{Status: http.StatusForbidden, Code: "INVALID_OPERATION", Message: "Authorization token already consumed"}
)

// urls returns the merchant's addresses, empty ones where it gave none.
func (p *Stored) urls() URLs {
	var u URLs
	_ = json.Unmarshal(p.Content["merchant_urls"], &u) // was checked
	return u
}

func (s *Service) expired(p *Stored) bool {
	return p.OrderID == "" && s.Time().After(p.Started.Add(sessionLife))
}

// Live returns a session that has not expired, or ErrNoSession. The
// caller holds s.Mu.
func (s *Service) Live(id string) (*Stored, error) {
	p := s.Kept.Sessions[id]
	if p == nil || s.expired(p) {
		return nil, ErrNoSession
	}
	return p, nil
}

// TokenFits reports whether token is the client_token of a living
// session. The caller does not hold s.Mu.
func (s *Service) TokenFits(id, token string) bool {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	p, err := s.Live(id)
	return err == nil && subtle.ConstantTimeCompare([]byte(p.ClientToken), []byte(token)) == 1
}

// usable returns the session and authorization of a token that can place an order now. The
// caller holds s.Mu.
func (s *Service) usable(token string) (*Stored, *authorization, *wire.Error) {
	a := s.Kept.Authorizations[token]
	if a == nil {
		return nil, nil, errInvalidToken
	}
	p, err := s.Live(a.SessionID)
	switch {
	case err != nil || a.Deleted:
		return nil, nil, errInvalidToken
	case p.OrderID != "":
		return nil, nil, errSessionCompleted
	case p.Token != token || s.Time().After(a.Issued.Add(authorizationLife)):
		return nil, nil, errInvalidToken
	case a.Consumed:
		return nil, nil, errConsumed
	}
	return p, a, nil
}

// sessionState returns the state of a session. The caller holds s.Mu.
// Source: docs.klarna.com, Create an order, Cancel an authorization.
func (s *Service) sessionState(p *Stored) string {
	a := s.Kept.Authorizations[p.Token]
	switch {
	case s.expired(p):
		return "expired"
	case p.OrderID != "":
		return "complete"
	case p.Finalize:
		return "finalize"
	case a == nil:
		return "open"
	case a.Deleted:
		return "token deleted"
	case s.Time().After(a.Issued.Add(authorizationLife)):
		return "token expired"
	}
	return "authorized"
}

// tellState notes a changed state of a session. The caller holds s.Mu.
func (s *Service) tellState(p *Stored, before string) {
	if after := s.sessionState(p); after != before {
		s.Tell(engine.Event{Lane: "state", SessionID: p.ID, OrderID: p.OrderID, Text: "session " + before + " → " + after})
	}
}

// Inspect returns a session with what only the fake knows. The caller
// holds s.Mu.
func (s *Service) Inspect(p *Stored) Session {
	v := s.render(p)
	whole := decode(p.Content)
	v.SessionID = p.ID
	v.BillingAddress, v.ShippingAddress, v.Customer = whole.BillingAddress, whole.ShippingAddress, whole.Customer
	v.Fake = &SessionState{
		State: s.sessionState(p), Category: p.Category, OrderID: p.OrderID,
		CustomerTokens: slices.Clone(p.CustomerTokens), Typed: maps.Clone(p.Typed),
	}
	return v
}

// render returns a session as a read answers it. It has the customer's data only
// after an authorization. The caller holds s.Mu.
// Source: docs.klarna.com, Check the details of a payment session.
func (s *Service) render(p *Stored) Session {
	v := decode(p.Content)
	v.Status = SessionIncomplete
	if p.OrderID != "" {
		v.Status = SessionComplete
	}
	v.ExpiresAt, v.ClientToken = wire.Stamp(p.Started.Add(sessionLife)), p.ClientToken
	if s.sessionState(p) == "authorized" {
		v.AuthorizationToken = p.Token
	}
	v.PaymentMethodCategories = s.categoriesOf(&v)
	if !p.Approved {
		v.BillingAddress, v.ShippingAddress, v.Customer = nil, nil, nil
	}
	return v
}

// makeRoomSession removes the oldest payment session with its tokens when there are
// MaxKept. The caller holds s.Mu.
func (s *Service) makeRoomSession() {
	p := &s.Kept
	if len(p.Newest) < s.MaxKept {
		return
	}
	oldest := p.Newest[0]
	delete(p.Sessions, oldest)
	p.Newest = slices.Delete(p.Newest, 0, 1)
	maps.DeleteFunc(p.Authorizations, func(_ string, a *authorization) bool { return a.SessionID == oldest })
	maps.DeleteFunc(p.Tokens, func(_ string, t *customerToken) bool { return t.SessionID == oldest })
}

// check returns what is wrong with restored payment sessions: one is missing or does not
// decode.
func (p kept) check() error {
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
			if err := json.Unmarshal(wire.MustJSON(content), new(Session)); err != nil {
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
		if t.OrderID == "" && p.Sessions[t.SessionID] == nil {
			return fmt.Errorf("customer token %s: its session is missing", id)
		}
		if err := json.Unmarshal(wire.MustJSON(t.Content), new(Session)); err != nil {
			return fmt.Errorf("customer token %s: %w", id, err)
		}
	}
	return nil
}

// Sessions returns all sessions, the newest first.
func (s *Service) Sessions() []Session {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	all := make([]Session, 0, len(s.Kept.Newest))
	for _, id := range slices.Backward(s.Kept.Newest) {
		all = append(all, s.Inspect(s.Kept.Sessions[id]))
	}
	return all
}

// Session returns one session, also one that is complete or expired.
func (s *Service) Session(id string) (Session, bool) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	p := s.Kept.Sessions[id]
	if p == nil {
		return Session{}, false
	}
	return s.Inspect(p), true
}

package fakeklarna

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// applyPayment does what the library Klarna.Payments does for a shop's page.
// The error is errNoSession or a *badAction; then nothing changed. The caller
// does not hold s.mu.
// Source: docs.klarna.com, Klarna Payments SDK reference.
func (s *Server) applyPayment(sessionID string, action PaymentAction) (PaymentOutcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.liveSession(sessionID)
	if err != nil {
		return PaymentOutcome{}, err
	}
	call, a, err := action.one()
	if err != nil {
		return PaymentOutcome{}, err
	}
	sent, err := a.update()
	if err != nil {
		return PaymentOutcome{}, err
	}
	if err := checkTypedInFlow(a.Typed); err != nil {
		return PaymentOutcome{}, err
	}
	s.tell(Event{Lane: "shopper", SessionID: p.ID, Text: strings.Join(strings.Fields(call+" "+a.Category+" "+a.Decision), " "), Details: a.Data})
	if p.OrderID != "" {
		return PaymentOutcome{Refused: &Refusal{Code: "session_completed", Message: "The session's order is placed."}}, nil
	}
	content, bad := s.mergePayment(sessionRules, p.Content, sent)
	if call != "load" && len(bad) == 0 {
		checkPostalCode(content, &bad)
	}
	if len(bad) > 0 {
		return PaymentOutcome{ShowForm: true, InvalidFields: bad}, nil
	}
	v := decodeSession(content)
	category, err := s.chosenCategory(p, &v, a.Category)
	if err != nil {
		return PaymentOutcome{}, err
	}
	unchanged := sameContent(p.Content, content)
	s.changeSession(p, content)
	maps.Copy(p.Typed, a.Typed)
	email := p.email(&v)
	switch {
	case call == "load":
		return PaymentOutcome{ShowForm: !refusedCategory(email, category)}, nil
	case call == "finalize" && !p.Finalize && p.Token == "":
		return PaymentOutcome{ShowForm: true, Refused: &Refusal{Code: "not_authorized", Message: "Nothing was authorized that could be finalized."}}, nil
	case call == "finalize" && !p.Finalize && unchanged && s.sessionState(p) == "authorized":
		return PaymentOutcome{Approved: true, ShowForm: true, AuthorizationToken: p.Token}, nil
	}
	if refused := decide(email, category, a.Decision); refused != nil {
		return *refused, nil
	}
	before := s.sessionState(p)
	defer func() { s.tellSession(p, before) }()
	p.Approved, p.Category = true, category
	if call == "authorize" && a.AutoFinalize != nil && !*a.AutoFinalize {
		p.Finalize, p.Token = true, ""
		return PaymentOutcome{Approved: true, ShowForm: true, FinalizeRequired: true}, nil
	}
	return PaymentOutcome{Approved: true, ShowForm: true, AuthorizationToken: s.newAuthorization(p)}, nil
}

// one returns the name and the member of the one call that an action is.
func (a PaymentAction) one() (string, *Authorize, error) {
	name, found := "", (*Authorize)(nil)
	for member, call := range map[string]*Authorize{"load": a.Load, "authorize": a.Authorize, "reauthorize": a.Reauthorize, "finalize": a.Finalize} {
		if call == nil {
			continue
		}
		if found != nil {
			return "", nil, badActionf("one of load, authorize, reauthorize and finalize at a time")
		}
		name, found = member, call
	}
	if found == nil {
		return "", nil, badActionf("one of load, authorize, reauthorize and finalize is needed")
	}
	if !slices.Contains([]string{"", "approve", "decline", "close"}, found.Decision) {
		return "", nil, badActionf("%s.decision: %q is none of approve, decline, close", name, found.Decision)
	}
	return name, found, nil
}

// update returns the session update that a call brings, empty without one.
func (a *Authorize) update() (map[string]any, error) {
	if len(bytes.TrimSpace(a.Data)) == 0 || string(bytes.TrimSpace(a.Data)) == "null" {
		return nil, nil
	}
	sent, err := parsePaymentsBody(a.Data)
	if err != nil {
		return nil, badActionf("data: %s", err.message)
	}
	return sent, nil
}

// chosenCategory returns the category that a call is about. The error is a
// *badAction: the session does not have the one that was named.
func (s *Server) chosenCategory(p *session, v *Session, named string) (string, error) {
	offered := categoriesFor(v)
	switch {
	case slices.Contains(offered, named):
		return named, nil
	case named != "":
		return "", badActionf("category: %q is none of the session's: %s", named, strings.Join(offered, ", "))
	case slices.Contains(offered, p.Category):
		return p.Category, nil
	}
	return offered[0], nil
}

var prepaidEmail = regexp.MustCompile(`\+red@`)

// refusedCategory: name+red@… may only pay with what is paid at once.
// Source: docs.klarna.com, Sample customer data.
func refusedCategory(email, category string) bool {
	return prepaidEmail.MatchString(email) && category != "pay_now"
}

// email returns the address that tells how a purchase ends: the shop's, else
// the one that the shopper typed.
func (p *session) email(v *Session) string {
	if v.BillingAddress != nil && v.BillingAddress.Email != "" {
		return v.BillingAddress.Email
	}
	return p.Typed["email"]
}

func checkTypedInFlow(typed map[string]string) error {
	for member, text := range typed {
		if member != "date_of_birth" && (member == "country" || new(Address).member(member) == nil) {
			return badActionf("typed: there is no field %q to type in", member)
		}
		if utf8.RuneCountInString(text) > 99 {
			return badActionf("typed.%s: at most 99 characters", member)
		}
	}
	return nil
}

// decide returns what the page is told when the shopper does not approve or is
// not approved, nil when all is well. What the shopper presses goes before the
// persona, save a technical error.
func decide(email, category, decision string) *PaymentOutcome {
	who := personaOf(email)
	switch {
	case who.TechnicalError:
		return &PaymentOutcome{ShowForm: true, Refused: &Refusal{Code: "technical_error", Message: "The flow ended without a decision."}}
	case decision == "close":
		return &PaymentOutcome{ShowForm: true, Refused: &Refusal{Code: "closed", Message: "The shopper closed the flow."}}
	case decision == "decline", decision == "" && (who.Denied || refusedCategory(email, category)):
		return &PaymentOutcome{Refused: &Refusal{Code: "declined", Message: "The purchase was declined."}}
	}
	return nil
}

// checkPostalCode: the browser's flow knows what a country's postal codes look like.
func checkPostalCode(content map[string]json.RawMessage, bad *offenders) {
	v := decodeSession(content)
	for path, a := range map[string]*Address{"billing_address": v.BillingAddress, "shipping_address": v.ShippingAddress} {
		if a == nil || content[path] == nil || a.PostalCode == "" {
			continue
		}
		country := strings.ToUpper(a.Country)
		if country == "" {
			country = strings.ToUpper(v.PurchaseCountry)
		}
		if want := postalCodes[country][0]; want != "" && !regexp.MustCompile(`(?i)^(?:`+want+`)$`).MatchString(a.PostalCode) {
			bad.add(path + ".postal_code")
		}
	}
	slices.Sort(*bad)
}

// newAuthorization approves a session as it is now: a token that replaces the
// one before, and a callback with it.
// Source: docs.klarna.com, Checkout, Authorization callback.
func (s *Server) newAuthorization(p *session) string {
	p.Finalize, p.Token = false, s.newID()
	p.Authorized = maps.Clone(p.Content)
	s.payments.Authorizations[p.Token] = &authorization{SessionID: p.ID, Issued: s.now()}
	if p.urls().Authorization != "" {
		s.schedule(job{Due: s.now(), Kind: jobAuthorization, ID: p.ID, Detail: p.Token})
	}
	return p.Token
}

// changeSession gives a session new content and tells what is different.
func (s *Server) changeSession(p *session, content map[string]json.RawMessage) {
	changes := changesOf(p.Content, content)
	p.Content = content
	if len(changes) > 0 {
		s.tell(Event{Lane: "state", SessionID: p.ID, Text: strings.Join(changes, ", ")})
	}
}

func sameContent(a, b map[string]json.RawMessage) bool {
	return maps.EqualFunc(a, b, func(x, y json.RawMessage) bool { return bytes.Equal(x, y) })
}

// sortedNames returns the names that are in either.
func sortedNames[V any](a, b map[string]V) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

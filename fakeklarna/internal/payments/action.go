package payments

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// Pay does an action. The error is ErrNoSession or a *shopper.BadAction, with which nothing
// changed.
// Source: docs.klarna.com, Klarna Payments SDK reference.
func (s *Service) Pay(sessionID string, action Action) (Outcome, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	p, err := s.Live(sessionID)
	if err != nil {
		return Outcome{}, err
	}
	call, a, err := action.one()
	if err != nil {
		return Outcome{}, err
	}
	sent, err := a.update()
	if err != nil {
		return Outcome{}, err
	}
	if err := checkTypedInFlow(a.Typed); err != nil {
		return Outcome{}, err
	}
	did := engine.Event{Lane: "shopper", SessionID: p.ID, Text: strings.Join(strings.Fields(call+" "+a.Category+" "+a.Decision), " "), Details: a.Data}
	if p.OrderID != "" {
		s.Tell(did)
		return Outcome{Refused: &shopper.Refusal{Code: "session_completed", Message: "The session's order is placed."}}, nil
	}
	content, bad := s.merge(sessionRules, p.Content, sent)
	if call != "load" && len(bad) == 0 {
		checkPostalCode(content, &bad)
	}
	if len(bad) > 0 {
		s.Tell(did)
		return Outcome{ShowForm: true, InvalidFields: bad}, nil
	}
	category, err := chosenCategory(p, content, a.Category)
	if err != nil {
		return Outcome{}, err
	}
	s.Tell(did)
	unchanged := maps.EqualFunc(p.Content, content, func(x, y json.RawMessage) bool { return bytes.Equal(x, y) })
	s.change(p, content)
	maps.Copy(p.Typed, a.Typed)
	if v := decode(content); shopper.OtherSum(a.Total, a.Currency, v.OrderAmount, v.PurchaseCurrency) {
		return Outcome{ShowForm: true, Refused: shopper.Refuse(shopper.RefusedTotalChanged, v.Locale)}, nil
	}
	if call == "finalize" && unchanged && s.sessionState(p) == "authorized" {
		return Outcome{Approved: true, ShowForm: true, AuthorizationToken: p.Token}, nil
	}
	return s.conclude(p, call, category, a), nil
}

// conclude returns how a call about a session ends. The shopper's decision overrides the
// persona, except for a technical error.
func (s *Service) conclude(p *Stored, call, category string, a *Authorize) Outcome {
	v := decode(p.Content)
	email := p.Email(&v)
	who, prepaid := shopper.PersonaOf(email), RefusedCategory(email, category)
	refused := func(showForm bool, code, message string) Outcome {
		return Outcome{ShowForm: showForm, Refused: &shopper.Refusal{Code: code, Message: message}}
	}
	switch {
	case call == "load":
		return Outcome{ShowForm: !prepaid}
	case call == "finalize" && !p.Finalize && p.Token == "":
		return refused(true, "not_authorized", "Nothing was authorized that could be finalized.")
	case who.TechnicalError:
		return refused(true, "technical_error", "The flow ended without a decision.")
	case a.Decision == "close":
		return refused(true, "closed", "The shopper closed the flow.")
	case a.Decision == "decline", a.Decision == "" && (who.Denied || prepaid):
		return refused(false, "declined", "The purchase was declined.")
	}
	before := s.sessionState(p)
	defer func() { s.tellState(p, before) }()
	p.Approved, p.Category = true, category
	if call == "authorize" && a.AutoFinalize != nil && !*a.AutoFinalize {
		p.Finalize, p.Token = true, ""
		return Outcome{Approved: true, ShowForm: true, FinalizeRequired: true}
	}
	return Outcome{Approved: true, ShowForm: true, AuthorizationToken: s.newAuthorization(p)}
}

// one returns the only call in an action, with its name.
func (a Action) one() (string, *Authorize, error) {
	name, found := "", (*Authorize)(nil)
	for member, call := range map[string]*Authorize{"load": a.Load, "authorize": a.Authorize, "reauthorize": a.Reauthorize, "finalize": a.Finalize} {
		if call == nil {
			continue
		}
		if found != nil {
			return "", nil, shopper.BadActionf("one of load, authorize, reauthorize and finalize at a time")
		}
		name, found = member, call
	}
	if found == nil {
		return "", nil, shopper.BadActionf("one of load, authorize, reauthorize and finalize is needed")
	}
	if !slices.Contains([]string{"", "approve", "decline", "close"}, found.Decision) {
		return "", nil, shopper.BadActionf("%s.decision: %q is none of approve, decline, close", name, found.Decision)
	}
	return name, found, nil
}

// update returns the session update in a call, nil for none.
func (a *Authorize) update() (map[string]any, error) {
	if len(bytes.TrimSpace(a.Data)) == 0 || string(bytes.TrimSpace(a.Data)) == "null" {
		return nil, nil
	}
	sent, err := parseBody(a.Data)
	if err != nil {
		return nil, shopper.BadActionf("data: %s", err.Message)
	}
	return sent, nil
}

// chosenCategory returns the category of a call. The error is a *shopper.BadAction: the session
// does not have the named category.
func chosenCategory(p *Stored, content map[string]json.RawMessage, named string) (string, error) {
	v := decode(content)
	offered := categoriesFor(&v)
	switch {
	case slices.Contains(offered, named):
		return named, nil
	case named != "":
		return "", shopper.BadActionf("category: %q is none of the session's: %s", named, strings.Join(offered, ", "))
	case slices.Contains(offered, p.Category):
		return p.Category, nil
	}
	return offered[0], nil
}

var prepaidEmail = regexp.MustCompile(`\+red@`)

// RefusedCategory: name+red@… may only use pay_now.
// Source: docs.klarna.com, Sample customer data.
func RefusedCategory(email, category string) bool {
	return prepaidEmail.MatchString(email) && category != "pay_now"
}

// Email returns the e-mail address that decides how a purchase ends: the shop's, else the
// typed one.
func (p *Stored) Email(v *Session) string {
	if v.BillingAddress != nil && v.BillingAddress.Email != "" {
		return v.BillingAddress.Email
	}
	return p.Typed["email"]
}

func checkTypedInFlow(typed map[string]string) error {
	for member, text := range typed {
		if !slices.Contains([]string{"date_of_birth", "organization_registration_id"}, member) && (member == "country" || new(wire.Address).Member(member) == nil) {
			return shopper.BadActionf("typed: there is no field %q to type in", member)
		}
		if utf8.RuneCountInString(text) > 99 {
			return shopper.BadActionf("typed.%s: at most 99 characters", member)
		}
		if member == "date_of_birth" && !wire.IsBirthDate(text) {
			return shopper.BadActionf("typed.%s: %q is no date of the form yyyy-mm-dd", member, text)
		}
	}
	return nil
}

// checkPostalCode checks the form of postal codes, as Klarna's flow in the browser does.
func checkPostalCode(content map[string]json.RawMessage, bad *wire.Offenders) {
	v := decode(content)
	for path, a := range map[string]*wire.Address{"billing_address": v.BillingAddress, "shipping_address": v.ShippingAddress} {
		if a == nil || content[path] == nil || a.PostalCode == "" {
			continue
		}
		country := strings.ToUpper(a.Country)
		if country == "" {
			country = strings.ToUpper(v.PurchaseCountry)
		}
		if want := shopper.PostalCodes[country][0]; want != "" && !regexp.MustCompile(`(?i)^(?:`+want+`)$`).MatchString(a.PostalCode) {
			bad.Add(path + ".postal_code")
		}
	}
	slices.Sort(*bad)
}

// newAuthorization approves a session with its current content. It makes a token, which
// replaces the old one, and schedules the callback.
// Source: docs.klarna.com, Checkout, Authorization callback.
func (s *Service) newAuthorization(p *Stored) string {
	p.Finalize, p.Token = false, s.NewID()
	p.Authorized = maps.Clone(p.Content)
	s.Kept.Authorizations[p.Token] = &authorization{SessionID: p.ID, Issued: s.Time()}
	if p.urls().Authorization != "" {
		s.Schedule(engine.Job{Due: s.Time(), Kind: jobAuthorization, ID: p.ID, Detail: p.Token})
	}
	return p.Token
}

// change gives a session new content and notes the differences.
func (s *Service) change(p *Stored, content map[string]json.RawMessage) {
	changes := wire.ChangesOf(p.Content, content)
	p.Content = content
	if len(changes) > 0 {
		s.Tell(engine.Event{Lane: "state", SessionID: p.ID, Text: strings.Join(changes, ", ")})
	}
}

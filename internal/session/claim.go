package session

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// A browser may have several checkout sessions of the API beside its own cart. It has a claim
// on each that it has opened by its secret: values of their own, under the session's
// reference. A request for one of their pages sees these in place of the cart's.

// claimPrefix begins the names of values of claims; reference, a slash and the usual name follow.
const claimPrefix = "s/"

// MaxClaims is how many a browser has; the oldest goes.
const MaxClaims = 20

// claimsKey holds the references of the claims, oldest first, with spaces between.
const claimsKey = "claims"

type claimed struct{}

// Claim makes the requests to next about a checkout session, in place of the shopper's cart.
// reference names it.
func (s *Sessions) Claim(reference func(*http.Request) string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(AsClaim(r.Context(), reference(r))))
	})
}

// Claimed returns the checkout session that a request is about, "" for the shopper's cart.
func Claimed(ctx context.Context) string {
	reference, _ := ctx.Value(claimed{}).(string)
	return reference
}

// named is the name of a value: that of the claim that the request is about, or the cart's.
func named(ctx context.Context, key string) string {
	if reference := Claimed(ctx); reference != "" {
		return claimPrefix + reference + "/" + key
	}
	return key
}

// SetClaim lets the browser see a checkout session: what it had under the reference for
// another cart goes. It panics outside Locked.
func (s *Sessions) SetClaim(ctx context.Context, reference, cartID string) {
	ctx = AsClaim(ctx, reference)
	if s.CartID(ctx) != cartID {
		s.forget(ctx, reference)
	}
	list := slices.DeleteFunc(strings.Fields(s.scs.GetString(ctx, claimsKey)), func(other string) bool { return other == reference })
	for len(list) >= MaxClaims {
		s.forget(ctx, list[0])
		list = list[1:]
	}
	s.SetCartID(ctx, cartID)
	s.scs.Put(ctx, claimsKey, strings.Join(append(list, reference), " "))
}

func (s *Sessions) forget(ctx context.Context, reference string) {
	ctx = AsClaim(ctx, reference)
	s.SetCartID(ctx, "")
	s.SetKCOOrderID(ctx, "")
	s.SetPaymentsSessionID(ctx, "")
}

// ClaimOf returns the reference of the browser's claim on a cart, "" for none.
func (s *Sessions) ClaimOf(ctx context.Context, cartID string) string {
	for reference := range strings.FieldsSeq(s.scs.GetString(ctx, claimsKey)) {
		if s.CartID(AsClaim(ctx, reference)) == cartID {
			return reference
		}
	}
	return ""
}

// Shows reports whether the pages that the request is about show, or have shown, an order: one of
// Klarna Checkout, or what the payment session became; paymentsID is "" of an order that none became.
func (s *Sessions) Shows(ctx context.Context, orderID, paymentsID string) bool {
	return s.KCOOrderID(ctx) == orderID || paymentsID != "" && s.PaymentsSessionID(ctx) == paymentsID
}

// ClaimOfOrder returns the reference of the claim whose pages show an order, "" for none.
func (s *Sessions) ClaimOfOrder(ctx context.Context, orderID, paymentsID string) string {
	for reference := range strings.FieldsSeq(s.scs.GetString(ctx, claimsKey)) {
		if s.Shows(AsClaim(ctx, reference), orderID, paymentsID) {
			return reference
		}
	}
	return ""
}

// AsClaim is the context of a request that turns out to be about a claim.
func AsClaim(ctx context.Context, reference string) context.Context {
	return context.WithValue(ctx, claimed{}, reference)
}

package order

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// isCompany reports whether Klarna says that a company has bought.
func isCompany(sold ordermanagement.Order) bool {
	return sold.Customer.Type == market.Organization || sold.BillingAddress.OrganizationName != ""
}

// companyOf returns the company that has bought; zero for a person, of whom the book has no
// more than the addresses. What Order Management does not say, another source has said.
func companyOf(sold ordermanagement.Order, said klarna.Customer) klarna.Customer {
	if !isCompany(sold) {
		return klarna.Customer{}
	}
	return klarna.Customer{
		Type:                       market.Organization,
		OrganizationRegistrationID: cmp.Or(sold.Customer.OrganizationRegistrationID, said.OrganizationRegistrationID),
		VATID:                      cmp.Or(sold.Customer.VATID, said.VATID),
	}
}

// buyerIn returns the customer of a payment session. Zero: Klarna has it no more. The error is
// ErrUnavailable.
func (b *Book) buyerIn(ctx context.Context, sessionID string) (klarna.Customer, error) {
	if b.Payments == nil {
		return klarna.Customer{}, nil
	}
	session, err := b.Payments.Client.GetSession(ctx, sessionID)
	if err != nil && klarna.Status(err) != http.StatusNotFound {
		return klarna.Customer{}, fmt.Errorf("read the customer of payment session %s: %w: %w", sessionID, ErrUnavailable, err)
	}
	return session.Buyer(), nil
}

// IsCompany reports whether a company has bought. An erased order does not know.
func (o Order) IsCompany() bool {
	return o.Customer.Type == market.Organization || o.BillingAddress.OrganizationName != ""
}

package order

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/payments"
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

// customerOf returns the customer of what an order was bought by: the checkout, or a payment
// session. Zero: Klarna has it no more. The error is ErrUnavailable.
func (b *Book) customerOf(ctx context.Context, orderID, origin string) (customer klarna.Customer, err error) {
	sessionID := payments.SessionOf(origin)
	switch {
	case sessionID == "":
		var checkout kco.Order
		checkout, err = b.Checkout.GetOrder(ctx, orderID)
		customer = checkout.Customer
	case b.Payments != nil:
		var session payments.Session
		session, err = b.Payments.Client.GetSession(ctx, sessionID)
		customer = session.Buyer()
	}
	if err != nil && klarna.Status(err) != http.StatusNotFound {
		return klarna.Customer{}, fmt.Errorf("read the customer of order %s: %w: %w", orderID, ErrUnavailable, err)
	}
	return customer, nil
}

// IsCompany reports whether a company has bought. An erased order does not know.
func (o Order) IsCompany() bool {
	return o.Customer.Type == market.Organization || o.BillingAddress.OrganizationName != ""
}

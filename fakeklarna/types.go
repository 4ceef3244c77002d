package fakeklarna

import (
	"github.com/shopd/shopd/fakeklarna/internal/callback"
	"github.com/shopd/shopd/fakeklarna/internal/checkout"
	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/management"
	"github.com/shopd/shopd/fakeklarna/internal/payments"
	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

type (
	// Order is an order as the checkout API answers it, and what only the fake knows. Amounts
	// are minor units.
	Order = checkout.Order
	// OrderLine is a line of an order.
	OrderLine = wire.OrderLine
	// Action is what a shopper does in the iframe: load it, type, choose, buy.
	Action = checkout.Action
	// Buy is a press of the button.
	Buy = checkout.Buy
	// Upsell is a look at what the merchant offers after the purchase.
	Upsell = checkout.Upsell
	// Outcome is what the iframe shows after an action.
	Outcome = checkout.Outcome
	// Refusal says why an action was not carried out.
	Refusal = shopper.Refusal

	// Session is a session as the Klarna Payments API answers it, and what only the fake knows.
	Session = payments.Session
	// PaymentAction is a call of the library in the shopper's browser.
	PaymentAction = payments.Action
	// Authorize is what a PaymentAction says.
	Authorize = payments.Authorize
	// PaymentOutcome is what the library tells the shop's page.
	PaymentOutcome = payments.Outcome

	// ManagedOrder is an order as the Order Management API answers it.
	ManagedOrder = management.Order
	// ManagedLine is a line of a ManagedOrder, Capture or Refund.
	ManagedLine = management.Line
	// Capture is one of an order.
	Capture = management.Capture
	// Refund is one of an order.
	Refund = management.Refund
	// ShippingInfo is a parcel.
	ShippingInfo = management.ShippingInfo
	// InitialPaymentMethod is how the customer chose to pay.
	InitialPaymentMethod = management.InitialPaymentMethod

	// Request is a call of an API that the fake received.
	Request = engine.Request
	// Callback is a call of the fake to the merchant.
	Callback = callback.Callback
	// Fault is a rule that breaks calls of the APIs, or callbacks.
	Fault = engine.Fault
	// FaultBody is the body that a Fault answers.
	FaultBody = engine.FaultBody
	// Duration is a time.Duration that JSON shows as "120ms".
	Duration = engine.Duration
)

// Values of Order.Status, ManagedOrder.Status, ManagedOrder.FraudStatus and Refusal.Code.
// Those that tests compare most often.
const (
	StatusIncomplete = checkout.StatusIncomplete
	StatusComplete   = checkout.StatusComplete

	StatusAuthorized   = management.StatusAuthorized
	StatusPartCaptured = management.StatusPartCaptured
	StatusCaptured     = management.StatusCaptured
	StatusCancelled    = management.StatusCancelled
	StatusClosed       = management.StatusClosed
	FraudPending       = management.FraudPending
	FraudRejected      = management.FraudRejected

	RefusedReadOnly           = shopper.RefusedReadOnly
	RefusedValidationRedirect = shopper.RefusedValidationRedirect
	RefusedAddress            = shopper.RefusedAddress
)

// PaymentMethods are the ways to pay that the iframe offers: values of Buy.Method.
var PaymentMethods = checkout.PaymentMethods

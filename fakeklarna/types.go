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

// The checkout. Amounts are minor units everywhere.
type (
	Order     = checkout.Order    // an order as the API answers it, and what only the fake knows
	OrderLine = wire.OrderLine    // a line of it
	Action    = checkout.Action   // what a shopper does in the iframe
	Buy       = checkout.Buy      // a press of the button
	Outcome   = checkout.Outcome  // what the iframe shows then
	Refusal   = shopper.Refusal   // why an action was not carried out
	Callback  = callback.Callback // a call of the fake to the merchant
)

// Klarna Payments.
type (
	Session        = payments.Session   // a session as the API answers it, and what only the fake knows
	PaymentAction  = payments.Action    // a call of the library in the shopper's browser
	Authorize      = payments.Authorize // what such a call says
	PaymentOutcome = payments.Outcome   // what the library tells the page
)

// Order Management.
type (
	ManagedOrder         = management.Order // an order as the API answers it
	ManagedLine          = management.Line  // a line of an order, capture or refund
	Capture              = management.Capture
	Refund               = management.Refund
	ShippingInfo         = management.ShippingInfo         // a parcel
	InitialPaymentMethod = management.InitialPaymentMethod // how the customer chose to pay
)

// The calls of all APIs, and how to break them.
type (
	Request   = engine.Request   // a call that the fake received
	Fault     = engine.Fault     // a rule that breaks calls or callbacks
	FaultBody = engine.FaultBody // the body that a rule answers
	Duration  = engine.Duration  // of a rule: a time.Duration that JSON shows as "120ms"
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

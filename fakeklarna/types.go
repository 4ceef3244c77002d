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

// TYPES
type (
	Order          = checkout.Order
	Action         = checkout.Action
	Buy            = checkout.Buy
	Outcome        = checkout.Outcome
	Refusal        = shopper.Refusal
	Fault          = engine.Fault
	FaultBody      = engine.FaultBody
	Duration       = engine.Duration
	Request        = engine.Request
	Callback       = callback.Callback
	ManagedOrder   = management.Order
	Session        = payments.Session
	PaymentAction  = payments.Action
	PaymentOutcome = payments.Outcome
	Authorize      = payments.Authorize
	OrderLine      = wire.OrderLine
)

const (
	StatusIncomplete   = checkout.StatusIncomplete
	StatusComplete     = checkout.StatusComplete
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

type (
	ManagedLine          = management.Line
	Capture              = management.Capture
	Refund               = management.Refund
	ShippingInfo         = management.ShippingInfo
	InitialPaymentMethod = management.InitialPaymentMethod
)

package fakeklarna

import (
	"github.com/shopd/shopd/fakeklarna/internal/checkout"
	"github.com/shopd/shopd/fakeklarna/internal/management"
	"github.com/shopd/shopd/fakeklarna/internal/payments"
	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

type (
	Address        = wire.Address
	Customer       = wire.Customer
	ShippingOption = wire.ShippingOption
	FakeState      = checkout.FakeState
	OrderOptions   = checkout.OrderOptions
	Purchase       = management.Purchase
	Persona        = shopper.Persona
)

const (
	SessionComplete   = payments.SessionComplete
	SessionIncomplete = payments.SessionIncomplete
)

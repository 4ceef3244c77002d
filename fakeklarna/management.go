package fakeklarna

// The Order Management API, version 1.

var managementEndpoints = []endpoint{}

// purchase is what Checkout and Payments hand to Order Management when an
// order is bought. Amounts are minor units.
type purchase struct {
	OrderID            string
	SessionID          string // of Klarna Payments, "" for the checkout
	Amount             int64
	Currency           string // upper case
	Country            string // alpha-2, upper case
	Locale             string
	Lines              []OrderLine
	Billing, Shipping  Address
	Customer           Customer
	MerchantReference1 string
	MerchantReference2 string
	MerchantData       string
	Option             *ShippingOption // chosen in the checkout
	Method             string          // one of PaymentMethods
	Persona            persona
	NotificationURL    string // with the placeholders filled in
	AutoCapture        bool
}

// authorize takes a purchase into Order Management. The caller holds s.mu.
func (s *Server) authorize(p purchase) {}

// acknowledged reports whether the merchant has acknowledged or captured an
// order, which ends its pushes. The caller holds s.mu.
func (s *Server) acknowledged(orderID string) bool { return false }

package templates

// OrderState is how far an order is, for its buyer.
type OrderState string

// The states of an order.
const (
	OrderReceived  OrderState = "received"
	OrderPending   OrderState = "pending"  // Klarna is still checking the payment
	OrderRejected  OrderState = "rejected" // Klarna did not approve it
	OrderPartSent  OrderState = "part_sent"
	OrderSent      OrderState = "sent"
	OrderCancelled OrderState = "cancelled"
	OrderExpired   OrderState = "expired" // not sent in time
	OrderRefunded  OrderState = "refunded"
)

// OrderPageView is an order as its buyer finds it again.
type OrderPageView struct {
	Shell
	Order
	Number string
	Placed string // the day
	State  OrderState
	// Original is what the order came to when it was bought, where that was
	// changed since; "" = it was not.
	Original string
	Released string    // what is neither sent nor charged; "" = nothing
	Sent     []Sending // oldest first
	ToCome   []Goods   // what is not sent yet, where a part is
	Parcels  []Parcel  // of the order as a whole
	Refunds  []Refund  // oldest first
}

// Sending is a part of an order that was sent and charged.
type Sending struct {
	Date, Amount string
	Description  string  // "" = none
	Goods        []Goods // none = not told
	Parcels      []Parcel
}

// Goods are so many of an article.
type Goods struct {
	Name     Text
	Quantity int
}

// Parcel is something under way.
type Parcel struct {
	Return  bool   // it goes back
	Carrier string // "" = not told
	Number  string // for tracking; "" = none
	URL     string // http or https; "" = none
}

// Refund is money that goes back.
type Refund struct {
	Date, Amount string
	Description  string // "" = none
	Goods        []Goods
}

package templates

// OrderState is the state of an order, for its buyer.
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

// OrderPageView is the order's page, for its buyer.
type OrderPageView struct {
	Shell
	Order
	Number string
	Placed string // the day
	Erased string // the day on which personal data was erased; "" = it was not
	State  OrderState
	Free   bool // nothing was to be paid
	// Thanks: it was just placed, and the page says so. Email is masked, to which a mail goes, ""
	// = none. Snippet is Klarna's HTML with this page's nonce, "" = none. OrderURL is the
	// address of this page with its key.
	Thanks                   bool
	Email, Snippet, OrderURL string
	OnwardURL                string   // the merchant's page that follows, of a checkout session; "" = none
	Ships, Downloads         bool     // a parcel is sent; digital goods are in it
	DeliverTo                []string // lines of the address; none = nothing is delivered
	Known                    bool     // this browser has placed it, and can forget it
	// Original is the total at the purchase, where that has changed since; else "".
	Original string
	Released string    // what is neither sent nor charged; "" = nothing
	Sent     []Sending // oldest first
	ToCome   []Goods   // what is not sent yet, where a part is
	Parcels  []Parcel  // of the order as a whole
	Refunds  []Refund  // oldest first
	Right    RightNote // of withdrawal
}

// Sending is a part of an order, sent and charged.
type Sending struct {
	Date, Amount string
	Description  string  // "" = none
	Goods        []Goods // none = not told
	Parcels      []Parcel
}

// Goods are pieces of one article.
type Goods struct {
	Name     Text
	Quantity int
}

// Parcel is a parcel on its way.
type Parcel struct {
	Return  bool    // it goes back
	Carrier string  // "" = not told
	Number  string  // for tracking; "" = none
	URL     string  // http or https; "" = none
	Goods   []Goods // what is in it, as far as anybody said
}

// Refund is money returned to the buyer.
type Refund struct {
	Date, Amount string
	Description  string // "" = none
	Goods        []Goods
}

package fakeklarna

// reply is an answer of an API, not sent yet.
type reply struct {
	status    int
	header    map[string]string
	body      []byte
	orderID   string
	sessionID string // of Klarna Payments
	location  string // path below the fake's address, for the Location header
	path      string // of the call: each API has errors of its own
}

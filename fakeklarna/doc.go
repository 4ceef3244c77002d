// Package fakeklarna is a Klarna that runs in memory, with its three APIs: Klarna Checkout
// (KCO, now Kustom Checkout) with snippet, iframe and callbacks; Klarna Payments with
// customer tokens, library and widget; Order Management. Its own interface shows what
// happened, acts as the shopper, breaks calls and moves the clock. It is for tests and
// laptops: it moves no money.
//
// In a Go test:
//
//	fake := fakeklarna.NewServer(t, fakeklarna.Options{})
//	// point the client at fake.URL, user name and password "demo"
//	fake.AddFault(fakeklarna.Fault{Method: "POST", Status: 503})
//	fake.Shopper(orderID, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
//	fake.Advance(49 * time.Hour)
//	fake.Requests("") // every call that the fake received
//
// In other languages, run it as a process and use /fake/. docs/fake-klarna.md describes
// it, with the members of faults and actions. It also lists what is exact, and what is a
// choice where Klarna's documentation says nothing.
//
// The types stand in the rooms below internal/, where go doc shows their members:
//
//	go doc github.com/shopd/shopd/fakeklarna/internal/engine Fault
package fakeklarna

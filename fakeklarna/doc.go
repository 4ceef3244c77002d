// Package fakeklarna is a Klarna Checkout (KCO) that runs in memory: its orders
// API, the snippet with its iframe, and an interface of its own to look at what
// happened, to act as the shopper, to break calls and to move the clock. It is
// for tests and for laptops: it moves no money and forgets all when it ends.
//
// In a Go test:
//
//	fake := fakeklarna.NewServer(t, fakeklarna.Options{})
//	// point the client at fake.URL, user name and password "demo"
//	fake.AddFault(fakeklarna.Fault{Method: "POST", Status: 503})
//	fake.Advance(49 * time.Hour)
//	fake.Requests("") // every call that the fake received
//
// From any other language: run it as a process and use /fake/, described in
// docs/fake-klarna.md, which also lists what is exact and what was chosen where
// Klarna's documentation says nothing.
package fakeklarna

package fakeklarna

// The Klarna Payments API, version 1, and the customer token API.

var paymentsEndpoints = []endpoint{}

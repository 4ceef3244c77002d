package money

// Currency is an ISO 4217 code in upper case: "SEK".
type Currency string

//go:build race

package e2e_test

// buildFlags of the shopd under test: its data races are looked for where the test's own are.
var buildFlags = []string{"-race"}

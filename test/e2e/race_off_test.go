//go:build !race

package e2e_test

// buildFlags of the shopd under test.
var buildFlags []string

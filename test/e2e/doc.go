// Package e2e holds the tests of the whole: shopd as processes of its own, a
// real Redis, a fake Klarna and, where a page matters, a real Chromium.
package e2e

package observe

import "time"

// Hook is what the merchant's server is asked.
type Hook string

// The hooks.
const (
	HookDelivery Hook = "delivery"
	HookValidate Hook = "validate"
)

// HookResult is what came of a question.
type HookResult string

// The results.
const (
	HookAnswered  HookResult = "answered"
	HookBadAnswer HookResult = "bad_answer" // not 200, no such JSON, too large
	HookNoAnswer  HookResult = "no_answer"  // in time
	HookNotAsked  HookResult = "not_asked"  // address or secret are not right
)

// Hook reports a question to the merchant's server.
func (o *Observer) Hook(hook Hook, result HookResult, took time.Duration) {
	if o != nil {
		o.metrics.hooks.WithLabelValues(string(hook), string(result)).Observe(took.Seconds())
	}
}

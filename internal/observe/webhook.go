package observe

import "time"

// Webhook reports a call of an endpoint of the merchant's: result is 2xx to 5xx, no_answer or
// refused_address.
func (o *Observer) Webhook(endpoint, result string, took time.Duration) {
	if o != nil {
		o.metrics.webhooks.WithLabelValues(endpoint, result).Observe(took.Seconds())
	}
}

// WebhookGone reports that the shop file has an endpoint no more: then it is neither on nor off.
func (o *Observer) WebhookGone(endpoint string) {
	if o != nil {
		o.metrics.webhookOff.DeleteLabelValues(endpoint)
	}
}

// WebhookOff reports whether an endpoint is switched off.
func (o *Observer) WebhookOff(endpoint string, off bool) {
	if o == nil {
		return
	}
	o.metrics.showDeliveries("webhook_" + endpoint) // the receiver's name
	value := 0.0
	if off {
		value = 1
	}
	o.metrics.webhookOff.WithLabelValues(endpoint).Set(value)
}

package observe

// DeliveryResult is what came of a try to deliver an event.
type DeliveryResult string

// The results of a delivery. After DeliveryFailed alone there is another try.
const (
	DeliveryDone    DeliveryResult = "done"
	DeliverySkipped DeliveryResult = "skipped" // there was nothing to deliver
	DeliveryFailed  DeliveryResult = "failed"
	DeliveryRefused DeliveryResult = "refused"  // by the receiver, for ever
	DeliveryUnsure  DeliveryResult = "unsure"   // nobody knows whether it was delivered
	DeliveryGivenUp DeliveryResult = "given_up" // it took too long
)

// showDeliveries makes the series of a receiver, from zero.
func (m metrics) showDeliveries(receiver string) {
	zero(m.deliveries.MetricVec, []string{receiver}, labels(DeliveryDone, DeliverySkipped, DeliveryFailed, DeliveryRefused, DeliveryUnsure, DeliveryGivenUp))
}

// Delivery reports a try to deliver an event to a receiver.
func (o *Observer) Delivery(receiver string, result DeliveryResult) {
	if o != nil {
		o.metrics.deliveries.WithLabelValues(receiver, string(result)).Inc()
	}
}

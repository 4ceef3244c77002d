package event

import "context"

// Take takes what is due or new as a round does, and nothing more: as a process that is
// killed then.
func (d *Delivery) Take(ctx context.Context, r *Receiver) (due, fresh int, err error) {
	old, err := d.takeDue(ctx, r, deliverBatch)
	if err != nil {
		return 0, 0, err
	}
	young, err := d.takeNew(ctx, r, deliverBatch)
	return len(old), len(young), err
}

package story

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	batchSize  = 100
	gatherTime = 100 * time.Millisecond // how long a batch waits for more
	retryAfter = time.Second            // Redis did not answer
	flushTime  = 5 * time.Second        // for what is left when the process ends
)

// Stories in Redis: sorted sets of packed entries by the time in µs.
func cartKey(id string) string  { return "shopd:inspect:cart:{" + id + "}" }
func orderKey(id string) string { return "shopd:inspect:order:{" + id + "}" }

// Keys are those of the stories of a cart and an order; "" has none.
func Keys(cartID, orderID string) (keys []string) {
	if cartID != "" {
		keys = append(keys, cartKey(cartID))
	}
	if orderID != "" {
		keys = append(keys, orderKey(orderID))
	}
	return keys
}

// appendEntries adds to a story. KEYS: the story. ARGV: the most entries, the time
// before which they are too old, the life in ms, whether a new story may begin, then
// time and entry of each. Writing an entry twice changes nothing.
const appendEntries = `
if ARGV[4] == '0' and redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for i = 5, #ARGV, 2 do redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`

// Run writes entries until ctx ends, and runs the given functions meanwhile. When they
// have returned it writes the last entries. If Redis fails then, they are dropped.
func (l *Log) Run(ctx context.Context, beside ...func(context.Context)) {
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var writer, others sync.WaitGroup
	writer.Go(func() { l.loop(writing) })
	for _, run := range beside {
		others.Go(func() { run(ctx) })
	}
	<-ctx.Done()
	others.Wait()
	stop()
	writer.Wait()
}

// loop writes batches until ctx ends, and then the entries that wait.
func (l *Log) loop(ctx context.Context) {
	for {
		batch := l.gather(ctx)
		if len(batch) == 0 {
			return
		}
		if !l.persist(ctx, batch) {
			l.dropped.Add(int64(len(batch) + len(l.queue)))
			return
		}
	}
}

// gather waits for an entry, and a little for more. When ctx has ended it does not wait.
func (l *Log) gather(ctx context.Context) []Entry {
	var batch []Entry
	var enough <-chan time.Time
	for len(batch) < batchSize {
		select {
		case e := <-l.queue:
			if batch = append(batch, e); len(batch) == 1 {
				enough = time.After(gatherTime)
			}
			continue
		case <-enough:
			return batch
		case <-ctx.Done():
		}
		select {
		case e := <-l.queue:
			batch = append(batch, e)
		default:
			return batch
		}
	}
	return batch
}

// persist tries to write a batch until Redis takes it. When ctx has ended it tries once.
// It reports whether the batch was written.
func (l *Log) persist(ctx context.Context, batch []Entry) bool {
	for tries := 0; ; tries++ {
		last := ctx.Err() != nil
		err := l.write(ctx, batch)
		if err == nil {
			l.written.Add(int64(len(batch)))
			return true
		}
		if tries == 0 || last {
			l.o.Logger.WarnContext(ctx, "the story of calls and callbacks cannot be written", "entries", len(batch)+len(l.queue), "given_up", last, "error", err)
		}
		if last {
			return false
		}
		select {
		case <-time.After(retryAfter):
		case <-ctx.Done():
		}
	}
}

// addition is what is added to one key.
type addition struct {
	begins  bool
	largest int // bytes of an entry
	values  []any
}

// write adds a batch to its stories, in one pipeline.
func (l *Log) write(ctx context.Context, batch []Entry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	stories := map[string]*addition{}
	add := func(key string, begins bool, e Entry, text []byte) {
		if stories[key] == nil {
			stories[key] = &addition{}
		}
		s := stories[key]
		s.begins, s.largest = s.begins || begins, max(s.largest, len(text))
		s.values = append(s.values, e.At.UnixMicro(), text)
	}
	for _, e := range batch {
		text, err := pack(e)
		if err != nil {
			return err
		}
		if e.CartID != "" {
			add(cartKey(e.CartID), true, e, text)
		}
		if e.OrderID != "" {
			// Anybody can ask for an unknown order: that begins no story.
			add(orderKey(e.OrderID), e.Kind == FromKlarna || e.CartID != "" || e.Status < http.StatusBadRequest && e.Status > 0, e, text)
		}
	}
	oldest := strconv.FormatInt(time.Now().Add(-Lifetime).UnixMicro(), 10)
	pipe := l.o.Redis.Pipeline()
	for key, s := range stories {
		most := max(fewest, min(PerStory, storyBytes/s.largest))
		args := append([]any{most, oldest, Lifetime.Milliseconds(), s.begins}, s.values...)
		pipe.Eval(ctx, appendEntries, []string{key}, args...)
	}
	cmds, err := pipe.Exec(ctx)
	if err != nil {
		return fmt.Errorf("write stories: %w", err)
	}
	for _, cmd := range cmds {
		if cmd.Err() != nil {
			return fmt.Errorf("write stories: %w", cmd.Err())
		}
	}
	return nil
}

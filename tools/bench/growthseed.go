package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

// seedBatch is how many copies are written in one go.
const seedBatch = 1000

// seedTime is how long one of these, or an index of all, may take in the database.
const seedTime = 10 * time.Minute

// model is a session with its cart as the shop wrote them, to be copied under other
// IDs of the same length.
type model struct {
	visitor
	session string
	cart    map[string]string // the fields of the hash
	cartTTL time.Duration
	ttl     time.Duration // of the session
}

// sessionKey is where the shop keeps the session of a token.
func sessionKey(token string) string {
	hash := sha256.Sum256([]byte(token))
	return "shopd:session:" + base64.RawURLEncoding.EncodeToString(hash[:])
}

func cartKey(id string) string { return "shopd:cart:{" + id + "}" }

// copyToken is the session token of the n-th copy: as long as a real one, and known
// again without being remembered.
func copyToken(n int) string {
	hash := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("copy"), uint64(n))) //nolint:gosec // n counts from 0
	return base64.RawURLEncoding.EncodeToString(hash[:])
}

// idsIn reads which cart and which order a stored session names.
func idsIn(ctx context.Context, rdb redis.UniversalClient, token string) (cartID, orderID string, err error) {
	stored, err := rdb.Get(ctx, sessionKey(token)).Bytes()
	if err != nil {
		return "", "", fmt.Errorf("read session: %w", err)
	}
	var session struct {
		Values map[string]string `json:"values"`
	}
	if err := json.Unmarshal(stored, &session); err != nil {
		return "", "", fmt.Errorf("decode session: %w", err)
	}
	return session.Values["cart_id"], session.Values["kco_order_id"], nil
}

// readModel reads what the shop has stored for a visitor.
func readModel(ctx context.Context, rdb redis.UniversalClient, s visitor) (model, error) {
	m := model{visitor: s}
	var session *redis.StringCmd
	var contents *redis.MapStringStringCmd
	var ttl, cartTTL *redis.DurationCmd
	if _, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		session, ttl = p.Get(ctx, sessionKey(s.token)), p.PTTL(ctx, sessionKey(s.token))
		contents, cartTTL = p.HGetAll(ctx, cartKey(s.cartID)), p.PTTL(ctx, cartKey(s.cartID))
		return nil
	}); err != nil {
		return m, fmt.Errorf("read what the shop stored: %w", err)
	}
	m.session, m.cart, m.ttl, m.cartTTL = session.Val(), contents.Val(), ttl.Val(), cartTTL.Val()
	if len(m.cart) == 0 || m.ttl <= 0 || m.cartTTL <= 0 {
		return m, errors.New("the shop stored no session or no cart, or without an end")
	}
	return m, nil
}

// names are the IDs that a copy has instead of its model's.
type names struct{ cartID, orderID string }

// newNames returns IDs as long as the model's, so that a copy is as large.
func (m model) newNames() (names, error) {
	n := names{strings.ToLower(rand.Text()), uuid.NewString()}
	if len(n.cartID) != len(m.cartID) || len(n.orderID) != len(m.orderID) {
		return n, fmt.Errorf("IDs of another length than %s and %s: a copy would not be what the shop stores", m.cartID, m.orderID)
	}
	return n, nil
}

// rename is a text of the model's with the IDs of a copy.
func (m model) rename(text string, n names) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, m.cartID, n.cartID), m.orderID, n.orderID)
}

// seedSessions writes n copies of the models' sessions, numbered from 0, then of their
// carts, and returns the bytes of Redis that each of the two took.
func seedSessions(ctx context.Context, rdb redis.UniversalClient, models []model, n int) (sessions, carts int64, err error) {
	before, err := memoryOf(ctx, rdb)
	if err != nil {
		return 0, 0, err
	}
	copies := make([]names, n)
	for i := range n {
		if copies[i], err = models[i%len(models)].newNames(); err != nil {
			return 0, 0, err
		}
	}
	if err := inBatches(ctx, rdb, n, func(p redis.Pipeliner, i int) {
		m := models[i%len(models)]
		p.Set(ctx, sessionKey(copyToken(i)), m.rename(m.session, copies[i]), m.ttl)
	}); err != nil {
		return 0, 0, fmt.Errorf("copy sessions: %w", err)
	}
	between, err := memoryOf(ctx, rdb)
	if err != nil {
		return 0, 0, err
	}
	if err := inBatches(ctx, rdb, n, func(p redis.Pipeliner, i int) {
		m, key := models[i%len(models)], cartKey(copies[i].cartID)
		fields := make([]any, 0, 2*len(m.cart))
		for name, value := range m.cart {
			fields = append(fields, name, m.rename(value, copies[i]))
		}
		p.HSet(ctx, key, fields...)
		p.PExpire(ctx, key, m.cartTTL)
	}); err != nil {
		return 0, 0, fmt.Errorf("copy carts: %w", err)
	}
	after, err := memoryOf(ctx, rdb)
	return between - before, after - between, err
}

// inBatches queues the commands of n things and sends them, some at a time and these
// as one: the loops of the shop, which run meanwhile, see no half of an order. They would
// begin to mend it.
func inBatches(ctx context.Context, rdb redis.UniversalClient, n int, queue func(redis.Pipeliner, int)) error {
	for start := 0; start < n; start += seedBatch {
		if _, err := rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
			for i := start; i < min(start+seedBatch, n); i++ {
				queue(p, i)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// checkCopy asks the shop for the cart of a copy: it has to be its model's.
func (s *site) checkCopy(ctx context.Context, copied, of visitor) error {
	var carts [2]string
	for i, by := range []visitor{of, copied} {
		r := s.request(by, http.MethodGet, "/cart", "", `"sku"`)
		r.header.Set("Accept", "application/json")
		got, err := s.client.do(ctx, r)
		if err != nil {
			return err
		}
		carts[i] = string(got.body)
	}
	if carts[0] != carts[1] {
		return fmt.Errorf("the shop reads a copy as %s, its model as %s", carts[1], carts[0])
	}
	return nil
}

// randomText is n letters and digits of base32.
func randomText(n int) string {
	text := ""
	for len(text) < n {
		text += rand.Text()
	}
	return text[:n]
}

package engine

import (
	crand "crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"strings"

	"github.com/google/uuid"
)

// chance makes IDs, tokens and the randomness of faults. The same seed gives the same
// sequence. The caller of its methods holds State.Mu.
type chance struct {
	source *rand.ChaCha8
	*rand.Rand
}

// newChance starts a sequence. 0 means a random seed.
func newChance(seed uint64) *chance {
	var key [32]byte
	if seed == 0 {
		_, _ = crand.Read(key[:]) // never fails
	} else {
		binary.BigEndian.PutUint64(key[:], seed)
	}
	source := rand.NewChaCha8(key)
	return &chance{source, rand.New(source)} //nolint:gosec // of a fake; repeatable on purpose
}

// MarshalText returns the state of the sequence.
func (c *chance) MarshalText() ([]byte, error) {
	state, err := c.source.MarshalBinary()
	return []byte(base64.StdEncoding.EncodeToString(state)), err
}

// UnmarshalText continues a sequence from what MarshalText wrote.
func (c *chance) UnmarshalText(text []byte) error {
	state, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return err
	}
	source := rand.NewChaCha8([32]byte{})
	if err := source.UnmarshalBinary(state); err != nil {
		return err
	}
	*c = chance{source, rand.New(source)} //nolint:gosec // of a fake; repeatable on purpose
	return nil
}

// NewID returns a UUID. The caller holds s.Mu.
func (s *State) NewID() string {
	var id uuid.UUID
	_, _ = s.Chance.source.Read(id[:]) // never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id.String()
}

// Random fills a secret with random bytes. The caller holds s.Mu.
func (s *State) Random(secret []byte) { _, _ = s.Chance.source.Read(secret) } // never fails

// NewToken returns a secret text. Only the seed lets somebody guess it. The caller holds
// s.Mu.
func (s *State) NewToken() string { return strings.ReplaceAll(s.NewID(), "-", "") }

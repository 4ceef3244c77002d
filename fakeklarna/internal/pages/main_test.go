package pages_test

import (
	"testing"

	"github.com/shopd/shopd/internal/browsertest"
)

func TestMain(m *testing.M) { browsertest.Main(m) }
